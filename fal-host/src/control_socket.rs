//! The Unix socket over which operators control a host (S88a), and how it is found.

use std::env;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use rustix::process::geteuid;

const SUFFIX: &str = ".sock";

/// How much of an app's name is in the name of its socket: the whole path must fit into 103 bytes.
const MAX_NAME_LEN: usize = 32;

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

/// Listens on a Unix socket that only this user can connect to.
///
/// A file of a host that has ended is replaced. Another file, or one that a host listens on, is an error.
pub(crate) fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if is_abandoned(path) {
        fs::remove_file(path)?;
    }
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    let file = SocketFile(path.to_owned());
    // No client can connect before the host listens.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok((UnixListener::from(socket), file))
}

/// Whether this is a socket that no process listens on.
fn is_abandoned(path: &Path) -> bool {
    // To connect to any other file is refused, too.
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    is_socket
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// A path for the socket of this process's host, in a directory that only this user may enter.
pub(crate) fn default_path(app: &str) -> io::Result<PathBuf> {
    let mut error = io::Error::from(io::ErrorKind::NotFound);
    for directory in directories() {
        match prepare(&directory) {
            Ok(()) => {
                sweep(&directory);
                let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
                let name: String = app.chars().map(letter).take(MAX_NAME_LEN).collect();
                return Ok(directory.join(format!("{name}.{}{SUFFIX}", std::process::id())));
            }
            Err(other) => error = other,
        }
    }
    Err(error)
}

/// Where hosts of this user have their sockets, the preferred one first.
fn directories() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let own = env::temp_dir().join(format!("fal-{}", geteuid().as_raw()));
    runtime.map(|path| path.join("fal")).into_iter().chain([PathBuf::from("/run/fal"), own]).collect()
}

/// Creates a directory for this user, or checks that it is one.
fn prepare(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => return created,
    }
    if is_private(directory) { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Whether only this user can make files there. Another user could set up a false host in a directory for temporary files.
fn is_private(directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0
    })
}

/// Removes the sockets of hosts that have ended.
fn sweep(directory: &Path) {
    for path in sockets_in(directory) {
        if is_abandoned(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

fn sockets_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut sockets: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(SUFFIX)).collect();
    sockets.sort();
    sockets
}

/// A host that runs.
#[cfg(feature = "cli")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) app: String,
    pub(crate) pid: u32,
    pub(crate) path: PathBuf,
}

/// The hosts of this user that run on this machine, or in this container, by directory.
#[cfg(feature = "cli")]
pub(crate) fn find() -> Vec<Vec<Found>> {
    directories().iter().filter(|directory| is_private(directory)).map(|it| find_in(it)).collect()
}

#[cfg(feature = "cli")]
fn find_in(directory: &Path) -> Vec<Found> {
    let found = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        let (app, pid) = name.rsplit_once('.')?;
        let (app, pid) = (app.to_owned(), pid.parse().ok()?);
        UnixStream::connect(&path).ok()?;
        Some(Found { app, pid, path })
    };
    sockets_in(directory).into_iter().filter_map(found).collect()
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
        let (listener, file) = listen(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(listen(&path).is_err(), "a host listens there");
        drop(listener);
        assert!(path.exists(), "as after a crash");
        let (_listener, second) = listen(&path).unwrap();
        std::mem::forget(file);
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn a_regular_file_is_left_alone_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.sock");
        fs::write(&path, "mine").unwrap();
        assert!(listen(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_not_used_s88a() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("fal");
        prepare(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
        prepare(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
        assert!(prepare(&directory).is_err() && !is_private(&directory));
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(parent.path(), &link).unwrap();
        assert!(!is_private(&link));
    }

    #[cfg(feature = "cli")]
    #[test]
    fn hosts_that_have_ended_are_not_found_and_are_swept_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (_lives, _file) = listen(&at("my.app.7.sock")).unwrap();
        let (ended, file) = listen(&at("old.8.sock")).unwrap();
        std::mem::forget(file);
        drop(ended);
        let found = Found { app: "my.app".to_owned(), pid: 7, path: at("my.app.7.sock") };
        assert_eq!(find_in(directory.path()), [found]);
        sweep(directory.path());
        assert_eq!(sockets_in(directory.path()), [at("my.app.7.sock")]);
    }
}
