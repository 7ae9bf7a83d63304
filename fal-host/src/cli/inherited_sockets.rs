//! Listening sockets that this program has inherited from a service manager (S69b), or from the host that it is to take over
//! from (S91).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd, OwnedFd};

use clap::Args;
use rustix::net::sockopt;
use rustix::net::{AddressFamily, SocketType, getsockname};

use super::host_options::HostOptions;
use super::passed_descriptors::{self, Passed};
use super::upgrade::{self, Takeover};
use crate::host::ListenerKind;

/// What a program has inherited.
#[derive(Debug, Default)]
pub(super) struct InheritedSockets {
    /// The sockets, each with what it is for.
    pub(super) sockets: Vec<(ListenerKind, TcpListener)>,
    /// The old host, if there is one.
    pub(super) takeover: Option<Takeover>,
}

/// The sockets that are passed to this process (`LISTEN_FDS`): `admin` and `probes` are known by their names
/// (`FileDescriptorName=`), and another one is for requests.
///
/// Call it once, at the start of the program.
pub(super) fn take() -> io::Result<InheritedSockets> {
    let mut inherited = InheritedSockets::default();
    let sockets = &mut inherited.sockets;
    let Passed { from_host, descriptors } = passed_descriptors::read()?;
    for (number, name) in descriptors {
        #[expect(unsafe_code, reason = "an inherited descriptor is known only by its number")]
        // SAFETY: the service manager or the old host has opened it for this process, and nothing else here uses it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        if from_host && name == upgrade::CHANNEL {
            inherited.takeover = Some(Takeover::over(descriptor)?);
            continue;
        }
        // It is the standard error of this process by now.
        if from_host && name == upgrade::STANDARD_ERROR {
            continue;
        }
        let kind = match name.as_str() {
            "admin" => ListenerKind::Admin,
            "probes" => ListenerKind::Probes,
            _ => ListenerKind::Requests,
        };
        if sockets.iter().any(|(known, _)| *known == kind) {
            return Err(invalid(number, &name, "there is more than one socket for the same purpose"));
        }
        let families = [AddressFamily::INET, AddressFamily::INET6];
        let is_inet =
            getsockname(&descriptor).is_ok_and(|address| families.contains(&address.address_family()));
        let listens = sockopt::socket_acceptconn(&descriptor).unwrap_or(false);
        if !is_inet || !listens || sockopt::socket_type(&descriptor)? != SocketType::STREAM {
            return Err(invalid(number, &name, "it is not a TCP socket that listens"));
        }
        sockets.push((kind, TcpListener::from(descriptor)));
    }
    Ok(inherited)
}

/// Warns about each socket whose address is not the one that an option names: clients may look for the host there.
pub(super) fn warn_of_other_addresses(sockets: &[(ListenerKind, TcpListener)], options: &HostOptions) {
    for (kind, socket) in sockets {
        let (Some((option, chosen)), Ok(actual)) = (chosen_address(options, *kind), socket.local_addr())
        else {
            continue;
        };
        if !is_same(chosen, actual) {
            tracing::warn!(
                "listens on the inherited socket at {actual}, and not at {chosen} as `{option}` says: change `ListenStream=` of \
                 the socket unit, or the option"
            );
        }
    }
}

/// The option for such a socket and its address, unless it is the default.
fn chosen_address(options: &HostOptions, kind: ListenerKind) -> Option<(&'static str, SocketAddr)> {
    let (name, option, address) = match kind {
        ListenerKind::Requests => ("listen", "--listen", Some(options.listen)),
        ListenerKind::Admin => ("admin", "--admin", options.admin.into()),
        ListenerKind::Probes => ("probes", "--probes", options.probes),
    };
    let address = address?;
    let command = HostOptions::augment_args(clap::Command::new("host"));
    let default =
        command.get_arguments().find(|argument| argument.get_long() == Some(name))?.get_default_values();
    let shown = address.to_string();
    (!default.iter().any(|default| *default == *shown)).then_some((option, address))
}

/// Whether a socket has this address. systemd makes one for IPv6 and IPv4 together of a port without an address.
fn is_same(chosen: SocketAddr, actual: SocketAddr) -> bool {
    let for_all = chosen.ip().is_unspecified() && actual.ip().is_unspecified();
    let is_same_ip = chosen.ip().to_canonical() == actual.ip().to_canonical();
    (is_same_ip || for_all) && (chosen.port() == actual.port() || chosen.port() == 0)
}

fn invalid(number: i32, name: &str, problem: &str) -> io::Error {
    io::Error::other(format!(
        "invalid inherited socket {number} (`{name}`): {problem}; write `ListenStream=` with an IP address and a port, and \
         `FileDescriptorName=` `requests`, `admin` or `probes`, each at most once"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_for_all_addresses_is_the_same_for_both_families_s69b() {
        let is_same = |chosen: &str, actual: &str| is_same(chosen.parse().unwrap(), actual.parse().unwrap());
        assert!(is_same("0.0.0.0:80", "[::]:80") && is_same("127.0.0.1:80", "[::ffff:127.0.0.1]:80"));
        assert!(is_same("127.0.0.1:0", "127.0.0.1:80"), "any port will do");
        assert!(!is_same("0.0.0.0:80", "127.0.0.1:80") && !is_same("0.0.0.0:80", "0.0.0.0:81"));
    }
}
