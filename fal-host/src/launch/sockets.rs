//! Which processes listen on which addresses, as Linux shows it in `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::process::{Pid, getpgid};

use super::orphans::{adopted, children_of};

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ListeningSocket {
    address: SocketAddr,
    inode: u64,
}

/// Who listens on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The runner.
    Runner,
    /// Another process.
    Another,
    /// The system does not tell.
    Unknown,
}

/// Who answers a connection to this IPv4 address. Blocks.
pub(super) fn owner_of(address: SocketAddr, runner: Pid) -> Owner {
    let sockets: Vec<_> = listening().into_iter().filter(|socket| socket.is_reached_by(address)).collect();
    match inodes_of(runner) {
        Some(_) if sockets.is_empty() => Owner::Unknown,
        Some(inodes) if sockets.iter().all(|socket| inodes.contains(&socket.inode)) => Owner::Runner,
        Some(_) => Owner::Another,
        None => Owner::Unknown,
    }
}

/// The addresses on which a runner listens. Blocks.
pub(super) fn addresses_of(runner: Pid) -> BTreeSet<SocketAddr> {
    let inodes = inodes_of(runner).unwrap_or_default();
    let own = listening().into_iter().filter(|socket| inodes.contains(&socket.inode));
    own.map(|socket| socket.address).collect()
}

impl ListeningSocket {
    /// Reads a line of `/proc/net/tcp` or `/proc/net/tcp6`.
    fn parse(line: &str) -> Option<Self> {
        const LISTEN: &str = "0A";
        let mut fields = line.split_whitespace();
        let (address, state) = (fields.nth(1)?, fields.nth(1)?);
        let (ip, port) = address.split_once(':')?;
        let inode = fields.nth(5)?.parse().ok()?;
        let address = SocketAddr::new(parse_ip(ip)?, u16::from_str_radix(port, 16).ok()?);
        (state == LISTEN).then_some(Self { address, inode })
    }

    /// Whether it may get a connection to this IPv4 address. A socket on `::` gets those of IPv4, too.
    fn is_reached_by(&self, address: SocketAddr) -> bool {
        let ip = self.address.ip().to_canonical();
        self.address.port() == address.port() && (ip == address.ip() || ip.is_unspecified())
    }
}

/// An IP address in hexadecimal digits: words of 32 bits, each in the byte order of this machine.
fn parse_ip(digits: &str) -> Option<IpAddr> {
    let word = |index: usize| {
        let digits = digits.get(index * 8..(index + 1) * 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    if digits.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).into());
    }
    let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
}

fn listening() -> Vec<ListeningSocket> {
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(fs::read_to_string);
    tables.iter().flatten().flat_map(|table| table.lines().filter_map(ListeningSocket::parse)).collect()
}

/// The sockets of a runner's processes. `None` if the system does not show them, as when a runner has changed its user.
fn inodes_of(runner: Pid) -> Option<BTreeSet<u64>> {
    let mut inodes = BTreeSet::new();
    for process in processes_of(runner) {
        let descriptors = match fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())) {
            Ok(descriptors) => descriptors,
            // It has ended.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) => return None,
        };
        let targets = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        inodes.extend(targets.filter_map(|target| {
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        }));
    }
    fs::exists("/proc/self/fd").unwrap_or(false).then_some(inodes)
}

/// A runner's process, its descendants, and the orphans of its process group that this process has adopted.
fn processes_of(runner: Pid) -> Vec<Pid> {
    let adopted = adopted().into_iter().filter(|child| getpgid(Some(*child)) == Ok(runner));
    let mut processes: Vec<_> = adopted.filter(|child| *child != runner).chain([runner]).collect();
    let mut next = 0;
    while let Some(process) = processes.get(next) {
        processes.extend(children_of(*process));
        next += 1;
    }
    processes
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::process::getpid;

    use super::*;

    #[test]
    fn an_address_of_the_table_is_read() {
        let of = |line: &str| {
            ListeningSocket::parse(line).map(|socket| (socket.address.to_string(), socket.inode))
        };
        let rest = "00000000:00000000 00:00000000 00000000     0        0";
        if cfg!(target_endian = "little") {
            let v4 = format!("   0: 0100007F:1F90 00000000:0000 0A {rest} 4242 1 0000 100 0 0 10 0");
            assert_eq!(of(&v4), Some(("127.0.0.1:8080".to_owned(), 4242)));
            let v6 = format!(
                "   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A {rest} 7 1"
            );
            assert_eq!(of(&v6), Some(("[::1]:80".to_owned(), 7)));
        }
        let connected = format!("   0: 0100007F:1F90 0100007F:9999 01 {rest} 4242 1");
        assert_eq!(of(&connected), None);
        assert_eq!(of("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"), None);
    }

    #[test]
    fn a_socket_is_reached_by_its_own_address_and_as_a_wildcard() {
        let reached = |socket: &str| {
            let socket = ListeningSocket { address: socket.parse().unwrap(), inode: 1 };
            socket.is_reached_by("127.0.0.1:80".parse().unwrap())
        };
        assert!(["127.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80"].into_iter().all(reached));
        assert!(!["127.0.0.1:81", "[::1]:80", "127.0.0.2:80"].into_iter().any(reached));
    }

    #[test]
    fn the_owner_of_a_port_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(owner_of(address, getpid()), Owner::Runner);
        assert!(addresses_of(getpid()).contains(&address));
        let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        assert_eq!(owner_of(address, Pid::from_child(&other)), Owner::Another);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
