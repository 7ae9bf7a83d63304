//! Where the control sockets of hosts are, and how subcommands find those of their own user (S88a).

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::control_socket::{is_abandoned, is_listened_on, lock};

const SUFFIX: &str = ".sock";

/// How much of an app's name is in the name of its socket: the whole path must fit into 103 bytes.
const MAX_NAME_LEN: usize = 32;

/// A path for the socket of this process's host, in a directory that only this user may enter.
pub(in crate::cli) fn default_path(app: &str) -> io::Result<PathBuf> {
    let mut error = io::Error::from(io::ErrorKind::NotFound);
    for directory in directories() {
        match prepare(&directory) {
            Ok(()) => {
                sweep(&directory);
                return Ok(directory.join(format!("{}.{}{SUFFIX}", name_of(app), std::process::id())));
            }
            Err(other) => error = other,
        }
    }
    Err(error)
}

/// The name of an app in that of its socket.
pub(in crate::cli) fn name_of(app: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    app.chars().map(letter).take(MAX_NAME_LEN).collect()
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

/// Removes the sockets of hosts that have ended. Without the lock they stay: a host may be about to listen.
fn sweep(directory: &Path) {
    let Some(_lock) = lock(directory) else { return };
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Found {
    pub(in crate::cli) app: String,
    pub(in crate::cli) pid: u32,
    pub(in crate::cli) path: PathBuf,
    /// The user of the host.
    pub(in crate::cli) user: u32,
}

/// The hosts of this user that run on this machine, or in this container, by directory.
pub(in crate::cli) fn find() -> Vec<Vec<Found>> {
    let own = directories().into_iter().filter(|directory| is_private(directory));
    own.map(|directory| find_in(&directory, geteuid().as_raw())).collect()
}

/// The hosts of this user that have their sockets in this directory.
pub(super) fn find_in(directory: &Path, user: u32) -> Vec<Found> {
    let found = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        let (app, pid) = name.rsplit_once('.')?;
        let (app, pid) = (app.to_owned(), pid.parse().ok()?);
        let is_owned = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.uid() == user);
        (is_owned && is_listened_on(&path)).then_some(Found { app, pid, path, user })
    };
    sockets_in(directory).into_iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::control_socket::{SocketAccess, listen};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
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

    #[test]
    fn hosts_that_have_ended_are_not_found_and_are_swept_s88a() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (_lives, _file) = listen(&at("my.app.7.sock"), SocketAccess::default()).unwrap();
        let (ended, file) = listen(&at("old.8.sock"), SocketAccess::default()).unwrap();
        std::mem::forget(file);
        drop(ended);
        let user = geteuid().as_raw();
        let found = Found { app: "my.app".to_owned(), pid: 7, path: at("my.app.7.sock"), user };
        assert_eq!(find_in(directory.path(), user), [found]);
        assert_eq!(find_in(directory.path(), user + 1), [], "a socket of another user is not theirs");
        let locked = lock(directory.path()).unwrap();
        sweep(directory.path());
        assert_eq!(sockets_in(directory.path()).len(), 2, "another host may be about to listen");
        drop(locked);
        sweep(directory.path());
        assert_eq!(sockets_in(directory.path()), [at("my.app.7.sock")]);
    }
}
