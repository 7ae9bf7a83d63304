//! The Unix socket over which operators control a host (S88a).

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::net::SocketFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 16;

/// How often a host tries to lock a directory, and how long it waits between. Another program may keep the lock.
const LOCK_ATTEMPTS: u32 = 500;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(2);

/// The file of a socket, which is removed when this is dropped. A file that is there instead stays. Drop it before the socket: until
/// then its number is not given to another file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    number: FileNumber,
}

/// The device and the inode of a file.
type FileNumber = (u64, u64);

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), number: number_of(path)? })
    }
}

fn number_of(path: &Path) -> io::Result<FileNumber> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if number_of(&self.path).is_ok_and(|number| number == self.number) {
            let _ = fs::remove_file(&self.path);
        }
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
    // Without the lock, another host could remove the socket before this one listens on it.
    let _lock = path.parent().and_then(lock);
    if is_abandoned(path) {
        fs::remove_file(path)?;
    }
    let socket = socket()?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?).map_err(|error| match error {
        Errno::ADDRINUSE if is_listened_on(path) => {
            io::Error::new(io::ErrorKind::AddrInUse, "another host listens there")
        }
        Errno::ADDRINUSE => io::Error::new(io::ErrorKind::AlreadyExists, "another file is there"),
        other => other.into(),
    })?;
    let file = SocketFile::of(path)?;
    // No client can connect before the host listens.
    if let Some(group) = access.group {
        chown(path, None, Some(group)).map_err(|error| {
            let advice = "the user of the host must be a member of the group, or root";
            io::Error::new(error.kind(), format!("cannot give it to the group {group}: {error}; {advice}"))
        })?;
    }
    fs::set_permissions(path, Permissions::from_mode(access.mode))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok((UnixListener::from(socket), file))
}

/// A lock of a directory. It keeps other hosts from making and removing sockets there until it is dropped.
pub(crate) struct DirectoryLock(File);

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // A child process that is being started has inherited the file, and would keep the lock.
        let _ = self.0.unlock();
    }
}

/// Locks a directory. `None` if it cannot be opened, or another program keeps it locked.
pub(crate) fn lock(directory: &Path) -> Option<DirectoryLock> {
    // The parent of a file in the working directory is empty.
    let directory =
        File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory }).ok()?;
    for _ in 0..LOCK_ATTEMPTS {
        match directory.try_lock() {
            Ok(()) => return Some(DirectoryLock(directory)),
            Err(TryLockError::WouldBlock) => sleep(BETWEEN_ATTEMPTS),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// A socket that no child process inherits.
fn socket() -> rustix::io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    return rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    #[cfg(not(target_os = "linux"))]
    {
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        Ok(socket)
    }
}

/// Whether this is a socket that no process listens on. Hold the lock of its directory: a host may be about to listen.
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
    let socket = socket()?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

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
                let lock = lock(directory.path()).unwrap();
                for other in others {
                    assert!(!is_abandoned(&other), "{}", other.display());
                }
                drop(lock);
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
    fn of_hosts_that_start_with_one_path_and_a_socket_of_an_ended_host_one_gets_it_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.sock");
        for _ in 0..200 {
            let (ended, file) = listen(&path, SocketAccess::default()).unwrap();
            std::mem::forget(file);
            drop(ended);
            let together = Barrier::new(4);
            let start = || {
                together.wait();
                let listens = listen(&path, SocketAccess::default());
                together.wait();
                let is_listened_on = is_listened_on(&path);
                together.wait();
                (listens.is_ok(), is_listened_on)
            };
            let started = std::thread::scope(|scope| {
                let hosts = [(); 4].map(|()| scope.spawn(start));
                hosts.map(|host| host.join().unwrap())
            });
            assert_eq!(started.iter().filter(|(listens, _)| *listens).count(), 1);
            assert!(started.iter().all(|(_, is_listened_on)| *is_listened_on));
        }
    }

    #[test]
    fn a_child_process_that_inherits_a_lock_does_not_keep_it_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let held = lock(directory.path()).unwrap();
        let _inherited = held.0.try_clone().unwrap();
        drop(held);
        assert!(lock(directory.path()).is_some());
    }

    #[test]
    fn a_socket_that_another_host_has_made_since_stays_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.sock");
        let (_old, file) = listen(&path, SocketAccess::default()).unwrap();
        fs::remove_file(&path).unwrap();
        let (_new, _file) = listen(&path, SocketAccess::default()).unwrap();
        drop(file);
        assert!(is_listened_on(&path));
    }

    #[test]
    fn every_path_that_an_address_can_have_is_listened_on_s88a() {
        const LONGEST: usize = 103;
        let directory = tempfile::tempdir().unwrap();
        let rest = LONGEST - directory.path().as_os_str().len() - "//h".len();
        let parent = directory.path().join("d".repeat(rest));
        fs::create_dir(&parent).unwrap();
        let path = parent.join("h");
        assert_eq!(path.as_os_str().len(), LONGEST);
        let (_listener, _file) = listen(&path, SocketAccess::default()).unwrap();
        assert!(is_listened_on(&path));
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
