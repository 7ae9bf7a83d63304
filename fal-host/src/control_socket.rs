//! The Unix socket over which operators control a host (S88a).

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 16;

/// The path of a socket, whose file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Who may connect to the Unix socket of a host, and so control it ([S88a](fal_health::semantics#s88a)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SocketAccess {
    /// The mode of the socket's file. Default: `0o600`.
    pub mode: u32,
    /// The id of its group. Default: `None`, the group of the host.
    pub group: Option<u32>,
}

impl Default for SocketAccess {
    fn default() -> Self {
        Self { mode: 0o600, group: None }
    }
}

impl SocketAccess {
    /// A socket for the members of a group, with the mode 0660.
    pub const fn of_group(group: u32) -> Self {
        Self { mode: 0o660, group: Some(group) }
    }

    /// The same with this mode.
    #[must_use]
    pub const fn with_mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }
}

/// Listens on a Unix socket.
///
/// A file of a host that has ended is replaced. Another file, or one that a host listens on, is an error.
pub(crate) fn listen(path: &Path, access: SocketAccess) -> io::Result<(UnixListener, SocketFile)> {
    if is_abandoned(path) {
        fs::remove_file(path)?;
    }
    // Until the host listens, its socket has another name: another host that starts would take it for one of an ended host.
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let socket = tempfile::Builder::new().make_in(directory, bind)?;
    // No client can connect before the host listens.
    if let Some(group) = access.group {
        chown(socket.path(), None, Some(group)).map_err(|error| {
            let advice = "the user of the host must be a member of the group, or root";
            io::Error::new(error.kind(), format!("cannot give it to the group {group}: {error}; {advice}"))
        })?;
    }
    fs::set_permissions(socket.path(), Permissions::from_mode(access.mode))?;
    rustix::net::listen(socket.as_file(), BACKLOG)?;
    let socket = socket.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists if is_listened_on(path) => {
            io::Error::new(io::ErrorKind::AddrInUse, "another host listens there")
        }
        io::ErrorKind::AlreadyExists => io::Error::new(io::ErrorKind::AlreadyExists, "another file is there"),
        _ => error.error,
    })?;
    Ok((UnixListener::from(socket), SocketFile(path.to_owned())))
}

fn bind(path: &Path) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Whether this is a socket that no process listens on.
pub(crate) fn is_abandoned(path: &Path) -> bool {
    // To connect to any other file is refused, too.
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    is_socket && connect(path).is_err_and(|error| error == Errno::CONNREFUSED)
}

/// Whether a process listens on this socket.
pub(crate) fn is_listened_on(path: &Path) -> bool {
    matches!(connect(path), Ok(_) | Err(Errno::AGAIN))
}

/// Connects, and does not wait for a process that accepts nothing.
fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_user_can_connect_and_the_file_goes_with_the_host_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.1.sock");
        let (listener, file) = listen(&path, SocketAccess::default()).unwrap();
        assert_eq!(mode(&path), 0o600);
        let error = listen(&path, SocketAccess::default()).unwrap_err();
        assert_eq!(error.to_string(), "another host listens there");
        drop(listener);
        assert!(path.exists(), "as after a crash");
        let (_listener, second) = listen(&path, SocketAccess::default()).unwrap();
        std::mem::forget(file);
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn hosts_that_start_together_leave_each_others_sockets_alone_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let start = |app: u32| {
            let path = directory.path().join(format!("{app}.sock"));
            for _ in 0..200 {
                let (_listener, _file) = listen(&path, SocketAccess::default()).unwrap();
                let others = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
                for other in others.filter(|path| path.extension().is_some_and(|it| it == "sock")) {
                    assert!(!is_abandoned(&other), "{}", other.display());
                }
                assert!(is_listened_on(&path));
            }
        };
        std::thread::scope(|scope| {
            for app in 0..4 {
                scope.spawn(move || start(app));
            }
        });
    }

    #[test]
    fn a_host_that_accepts_nothing_is_not_waited_for_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stopped.sock");
        let (_listener, _file) = listen(&path, SocketAccess::default()).unwrap();
        let waiting: Vec<_> = std::iter::from_fn(|| connect(&path).ok()).collect();
        assert!(waiting.len() >= 16 && is_listened_on(&path) && !is_abandoned(&path));
    }

    #[test]
    fn a_regular_file_is_left_alone_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.sock");
        fs::write(&path, "mine").unwrap();
        let error = listen(&path, SocketAccess::default()).unwrap_err();
        assert_eq!(error.to_string(), "another file is there");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left there");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
