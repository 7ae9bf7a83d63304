//! Which processes listen on which addresses, as Linux shows it in `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;
use rustix::process::{Pid, getpgid};

use super::orphans::{adopted, children_of};

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ListeningSocket {
    address: SocketAddr,
    /// The user that made it.
    user: u32,
    inode: u64,
}

/// Who listens on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The runner.
    Runner,
    /// Another process.
    Another,
    /// The system shows no listener there.
    Missing,
    /// The system does not tell.
    Unknown,
}

impl Owner {
    /// Whether a connection that was accepted there counts as the runner's (S49b).
    pub(super) fn counts_as_runner(self) -> bool {
        matches!(self, Self::Runner | Self::Unknown)
    }
}

/// What the system shows of a runner's processes.
#[derive(Debug)]
struct Processes {
    /// Their sockets, as far as the system shows them.
    inodes: BTreeSet<u64>,
    /// Whether the system hides the sockets of one of them, as when the runner has changed its user.
    are_hidden: bool,
    /// Their users. `None` if the system hides them, too.
    users: Option<BTreeSet<u32>>,
}

/// Who answers a connection to this IPv4 address. Blocks.
pub(super) fn owner_of(address: SocketAddr, runner: Pid) -> Owner {
    let Ok(sockets) = listening() else { return Owner::Unknown };
    let sockets: Vec<_> = sockets.into_iter().filter(|socket| socket.is_reached_by(address)).collect();
    Processes::of(runner).owner_of(&sockets)
}

/// The addresses on which a runner listens. Blocks.
pub(super) fn addresses_of(runner: Pid) -> BTreeSet<SocketAddr> {
    let inodes = Processes::of(runner).inodes;
    let own = listening().unwrap_or_default().into_iter().filter(|socket| inodes.contains(&socket.inode));
    own.map(|socket| socket.address).collect()
}

impl ListeningSocket {
    /// Reads a line of `/proc/net/tcp` or `/proc/net/tcp6`.
    fn parse(line: &str) -> Option<Self> {
        const LISTEN: &str = "0A";
        let mut fields = line.split_whitespace();
        let (address, state) = (fields.nth(1)?, fields.nth(1)?);
        let (ip, port) = address.split_once(':')?;
        let (user, inode) = (fields.nth(3)?.parse().ok()?, fields.nth(1)?.parse().ok()?);
        let address = SocketAddr::new(parse_ip(ip)?, u16::from_str_radix(port, 16).ok()?);
        (state == LISTEN).then_some(Self { address, user, inode })
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

/// All sockets that listen. An error means that the system does not show them.
fn listening() -> io::Result<Vec<ListeningSocket>> {
    let v4 = fs::read_to_string("/proc/self/net/tcp")?;
    let v6 = match fs::read_to_string("/proc/self/net/tcp6") {
        // A system without IPv6 has no such table.
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        table => table?,
    };
    Ok([v4, v6].iter().flat_map(|table| table.lines().filter_map(ListeningSocket::parse)).collect())
}

impl Processes {
    fn of(runner: Pid) -> Self {
        let mut shown = Self { inodes: BTreeSet::new(), are_hidden: false, users: Some(BTreeSet::new()) };
        for process in processes_of(runner) {
            shown.add(process);
        }
        shown
    }

    fn add(&mut self, process: Pid) {
        let directory = format!("/proc/{}", process.as_raw_nonzero());
        let sockets = self.add_sockets(&format!("{directory}/fd"));
        let status = fs::read_to_string(format!("{directory}/status"));
        // A zombie has no sockets, and the system shows that to root only. It may have become one after the first look.
        if status.as_ref().is_ok_and(|status| is_zombie(status)) {
            return;
        }
        self.are_hidden |= sockets.is_err_and(|error| !has_ended(&error));
        match status {
            Ok(status) => self.users.iter_mut().for_each(|users| users.extend(users_in(&status))),
            Err(error) if has_ended(&error) => {}
            Err(_) => self.users = None,
        }
    }

    fn add_sockets(&mut self, descriptors: &str) -> io::Result<()> {
        for descriptor in fs::read_dir(descriptors)? {
            let target = match fs::read_link(descriptor?.path()) {
                // It was closed.
                Err(error) if has_ended(&error) => continue,
                target => target?,
            };
            let inode = target.to_str().and_then(|it| it.strip_prefix("socket:[")?.strip_suffix(']'));
            self.inodes.extend(inode.and_then(|inode| inode.parse::<u64>().ok()));
        }
        Ok(())
    }

    /// Who has all of these listeners.
    fn owner_of(&self, sockets: &[ListeningSocket]) -> Owner {
        let is_own = |socket: &ListeningSocket| self.inodes.contains(&socket.inode);
        // A process whose sockets are hidden may have those of its user, and those that it made as root before it changed that.
        let may_be_own = |socket: &ListeningSocket| {
            let is_user = |users: &BTreeSet<_>| socket.user == 0 || users.contains(&socket.user);
            self.are_hidden && self.users.as_ref().is_none_or(is_user)
        };
        if sockets.is_empty() {
            Owner::Missing
        } else if sockets.iter().all(is_own) {
            Owner::Runner
        } else if sockets.iter().all(|socket| is_own(socket) || may_be_own(socket)) {
            Owner::Unknown
        } else {
            Owner::Another
        }
    }
}

/// Whether something cannot be read because it has ended: before its directory was opened, or after that.
fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

/// Whether `/proc/PID/status` is that of a process all of whose threads have ended: it has no descriptors any more.
fn is_zombie(status: &str) -> bool {
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let has_ended = field("State:").is_some_and(|state| state.starts_with(['Z', 'X']));
    has_ended && matches!(field("Threads:"), Some("0" | "1"))
}

/// The users in `/proc/PID/status`: the real, the effective, the saved one, and that for files, which a new socket gets.
fn users_in(status: &str) -> impl Iterator<Item = u32> {
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    users.unwrap_or_default().split_whitespace().filter_map(|user| user.parse().ok())
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
    use std::net::{SocketAddrV4, TcpListener};
    use std::thread;

    use rustix::net::{AddressFamily, SocketType};
    use rustix::process::{Uid, WaitId, WaitIdOptions, getpid, getuid};

    use super::*;

    #[test]
    fn an_address_of_the_table_is_read() {
        let of = |line: &str| {
            let socket = ListeningSocket::parse(line)?;
            Some((socket.address.to_string(), socket.user, socket.inode))
        };
        let rest = "00000000:00000000 00:00000000 00000000  1000        0";
        if cfg!(target_endian = "little") {
            let v4 = format!("   0: 0100007F:1F90 00000000:0000 0A {rest} 4242 1 0000 100 0 0 10 0");
            assert_eq!(of(&v4), Some(("127.0.0.1:8080".to_owned(), 1000, 4242)));
            let v6 = format!(
                "   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A {rest} 7 1"
            );
            assert_eq!(of(&v6), Some(("[::1]:80".to_owned(), 1000, 7)));
        }
        let connected = format!("   0: 0100007F:1F90 0100007F:9999 01 {rest} 4242 1");
        assert_eq!(of(&connected), None);
        assert_eq!(of("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"), None);
    }

    #[test]
    fn a_socket_is_reached_by_its_own_address_and_as_a_wildcard() {
        let reached = |socket: &str| {
            let socket = ListeningSocket { address: socket.parse().unwrap(), user: 0, inode: 1 };
            socket.is_reached_by("127.0.0.1:80".parse().unwrap())
        };
        assert!(["127.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80"].into_iter().all(reached));
        assert!(!["127.0.0.1:81", "[::1]:80", "127.0.0.2:80"].into_iter().any(reached));
    }

    /// The listener of a user.
    fn listener(user: u32, inode: u64) -> ListeningSocket {
        ListeningSocket { address: "127.0.0.1:80".parse().unwrap(), user, inode }
    }

    #[test]
    fn a_port_without_a_listener_is_not_the_runners_s49b() {
        // Bound, so that no other process listens there.
        let bound = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&bound, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = rustix::net::getsockname(&bound).unwrap().try_into().unwrap();
        let owner = owner_of(address, getpid());
        assert_eq!((owner, owner.counts_as_runner()), (Owner::Missing, false));
        let hidden = Processes { inodes: BTreeSet::new(), are_hidden: true, users: None };
        assert_eq!(hidden.owner_of(&[]), Owner::Missing);
    }

    #[test]
    fn a_listener_may_be_of_a_process_with_hidden_sockets_if_its_user_is_the_same_s49b() {
        let runner = |users: Option<&[u32]>, are_hidden| Processes {
            inodes: [1].into(),
            are_hidden,
            users: users.map(|users| users.iter().copied().collect()),
        };
        let changed = runner(Some(&[1000, 33]), true);
        assert_eq!(changed.owner_of(&[listener(33, 2)]), Owner::Unknown);
        assert_eq!(changed.owner_of(&[listener(33, 2), listener(0, 1)]), Owner::Unknown);
        assert_eq!(changed.owner_of(&[listener(0, 2)]), Owner::Unknown);
        assert_eq!(changed.owner_of(&[listener(34, 2)]), Owner::Another);
        assert_eq!(changed.owner_of(&[listener(33, 2), listener(34, 3)]), Owner::Another);
        assert_eq!(changed.owner_of(&[listener(34, 1)]), Owner::Runner);
        assert_eq!(runner(None, true).owner_of(&[listener(34, 2)]), Owner::Unknown);
        // The system shows all of its sockets.
        assert_eq!(runner(Some(&[33]), false).owner_of(&[listener(33, 2)]), Owner::Another);
        assert!(Owner::Unknown.counts_as_runner() && !Owner::Another.counts_as_runner());
    }

    #[test]
    fn the_users_of_a_process_are_read() {
        let status = "Name:\tnginx\nUid:\t1000\t33\t34\t35\nGid:\t1\t1\t1\t1\n";
        assert_eq!(users_in(status).collect::<Vec<_>>(), [1000, 33, 34, 35]);
        let own = Processes::of(getpid());
        assert!(own.users.unwrap().contains(&getuid().as_raw()) && !own.are_hidden);
    }

    /// A process that has ended, and that its parent has not waited for.
    fn zombie() -> std::process::Child {
        let child = std::process::Command::new("true").spawn().unwrap();
        let ends = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::process::waitid(WaitId::Pid(Pid::from_child(&child)), ends).unwrap();
        child
    }

    #[test]
    fn a_process_that_has_ended_hides_no_sockets_s49b() {
        let mut child = zombie();
        let shown = Processes::of(Pid::from_child(&child));
        child.wait().unwrap();
        assert!(!shown.are_hidden, "{shown:?}");
    }

    #[test]
    fn a_process_that_has_ended_is_known_by_its_status() {
        assert!(is_zombie("Name:\ttrue\nState:\tZ (zombie)\nUid:\t0\t0\t0\t0\nThreads:\t1\n"));
        assert!(is_zombie("Name:\ttrue\nState:\tX (dead)\nThreads:\t0\n"));
        assert!(!is_zombie("Name:\tState:\nState:\tS (sleeping)\nThreads:\t1\n"));
        // Only its first thread has ended. The others have its descriptors.
        assert!(!is_zombie("Name:\tserver\nState:\tZ (zombie)\nThreads:\t3\n"));
        assert!(!is_zombie(""));
    }

    #[test]
    #[ignore = "needs root, to become another user"]
    fn the_listener_of_a_runner_whose_sockets_are_hidden_is_known_by_its_user_s49b() {
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sleep = std::process::Command::new("sleep");
        let mut runner = sleep.arg("1000").spawn().unwrap();
        let pid = Pid::from_child(&runner);
        let mut ended = zombie();
        let ended_pid = Pid::from_child(&ended);
        let (others, owners) = thread::scope(|scope| {
            let as_another_user = scope.spawn(|| {
                let user = Uid::from_raw(54_324);
                // Of this thread only.
                rustix::thread::set_thread_res_uid(user, user, user).unwrap();
                let other = TcpListener::bind("127.0.0.1:0").unwrap();
                let owner = |it: &TcpListener, pid| owner_of(it.local_addr().unwrap(), pid);
                let owners = [owner(&own, pid), owner(&other, pid), owner(&own, ended_pid)];
                (other, owners)
            });
            as_another_user.join().unwrap()
        });
        drop(others);
        runner.kill().unwrap();
        runner.wait().unwrap();
        ended.wait().unwrap();
        assert_eq!(owners, [Owner::Unknown, Owner::Another, Owner::Another]);
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
