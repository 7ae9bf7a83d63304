//! Messages to a service manager: the protocol of `NOTIFY_SOCKET` (`sd_notify(3)`).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};
use rustix::time::{ClockId, clock_gettime};

/// Whether a service manager has started this program.
pub(super) fn is_there() -> bool {
    name().is_some()
}

/// How long a service manager may leave its socket full. The caller waits meanwhile.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether a message matters more than the time of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Importance {
    /// The service manager waits for it.
    Awaited,
    /// Another one like it follows.
    Repeated,
}

/// Sends a message: lines with an assignment each. Does nothing without a service manager. Waits for one that reads nothing
/// for at most a second, and not at all with a message that is repeated.
pub(super) fn send(message: &str, importance: Importance) -> io::Result<()> {
    let Some(name) = name() else { return Ok(()) };
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let flags = match importance {
        Importance::Awaited => {
            set_socket_timeout(&socket, Timeout::Send, Some(SEND_TIMEOUT))?;
            SendFlags::NOSIGNAL
        }
        Importance::Repeated => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    };
    sendto(&socket, message.as_bytes(), flags, &address(&name)?)?;
    Ok(())
}

/// After how long without a message the service manager restarts this process.
pub(super) fn watchdog() -> Option<Duration> {
    let variable = |name: &str| std::env::var(name).ok();
    watchdog_of(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id())
}

/// The time of the system's monotonic clock, in microseconds.
pub(super) fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::try_from(now).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

fn name() -> Option<std::ffi::OsString> {
    std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())
}

/// The address: a path, or on Linux an abstract name after `@`.
fn address(name: &OsStr) -> rustix::io::Result<SocketAddrUnix> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(abstract_name) = name.as_bytes().strip_prefix(b"@") {
        return SocketAddrUnix::new_abstract_name(abstract_name);
    }
    SocketAddrUnix::new(name.as_bytes())
}

fn watchdog_of(micros: Option<String>, for_process: Option<String>, process: u32) -> Option<Duration> {
    let is_for_another = for_process.is_some_and(|pid| pid != process.to_string());
    let micros = micros?.parse().ok().filter(|micros| *micros > 0 && !is_for_another)?;
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_for_one_process_s69a() {
        let of = |micros: &str, pid: Option<&str>| {
            watchdog_of(Some(micros.to_owned()), pid.map(ToOwned::to_owned), 7)
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!((of("1000000", None), of("1000000", Some("7"))), (second, second));
        for (micros, pid) in [("1000000", Some("8")), ("1000000", Some("x")), ("0", None), ("x", None)] {
            assert_eq!(of(micros, pid), None, "{micros} {pid:?}");
        }
        assert_eq!(watchdog_of(None, None, 7), None);
    }
}
