//! Listening sockets that this program has inherited from a service manager (S69b).

use std::io;
use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::net::sockopt;
use rustix::net::{AddressFamily, SocketType, getsockname};

use crate::host::ListenerKind;

/// The sockets that systemd passes to this process (`LISTEN_FDS`), each with what it is for: `admin` and `probes` by their
/// names (`FileDescriptorName=`), and another one for requests.
///
/// Call it once, at the start of the program.
pub(super) fn take() -> io::Result<Vec<(ListenerKind, TcpListener)>> {
    let mut sockets: Vec<(ListenerKind, TcpListener)> = Vec::new();
    for (number, name) in sd_notify::listen_fds_with_names()? {
        #[expect(unsafe_code, reason = "an inherited descriptor is known only by its number")]
        // SAFETY: the service manager has opened it for this process, and nothing else here uses it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
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
    Ok(sockets)
}

fn invalid(number: i32, name: &str, problem: &str) -> io::Error {
    io::Error::other(format!(
        "invalid inherited socket {number} (`{name}`): {problem}; write `ListenStream=` with an IP address and a port, and \
         `FileDescriptorName=` `requests`, `admin` or `probes`, each at most once"
    ))
}
