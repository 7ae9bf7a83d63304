//! The directory of the runners' sockets.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::RunnerId;

const PREFIX: &str = "fal-host-";

/// The longest path of a socket, in bytes: `sun_path` holds 108 bytes on Linux and 104 elsewhere, with a zero byte.
const MAX_PATH_LEN: usize = 103;

/// The directory of the runners' sockets, which only the host's user may enter. Removed when dropped. If a host was
/// killed, the next host of the same user removes its directory.
///
/// It is in `$XDG_RUNTIME_DIR`, or in `/run` if the host may write there, and otherwise in the directory for temporary
/// files. Programs that remove old files leave the first two alone.
#[derive(Debug)]
pub(super) struct SocketDirectory {
    directory: TempDir,
    /// The directory itself, locked as long as the host lives, however it ends. So a directory whose lock is free
    /// belongs to an ended host, and programs that respect locks do not remove it.
    _lock: File,
}

/// The paths of the sockets of one runner.
#[derive(Debug)]
pub(super) struct SocketPaths {
    pub(super) requests: PathBuf,
    pub(super) checks: PathBuf,
}

impl SocketDirectory {
    pub(super) fn create() -> io::Result<Self> {
        Self::create_in_first(parents(env::var_os("XDG_RUNTIME_DIR")))
    }

    /// Creates it in the first of these directories that allows it. The error is that of the last one.
    fn create_in_first(parents: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let mut result = Err(io::ErrorKind::NotFound.into());
        for parent in parents {
            result = Self::create_in(&parent);
            match &result {
                Ok(_) => break,
                Err(error) => {
                    tracing::debug!(%error, parent = %parent.display(), "no directory for sockets here");
                }
            }
        }
        result
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        // The host can start without this.
        if let Err(error) = sweep(parent) {
            tracing::debug!(%error, "the directories of ended hosts could not be listed");
        }
        loop {
            let directory = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(parent)?;
            // Another host that starts now may take it for an ended host's, and remove it, before it is locked.
            let lock = match File::open(directory.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                lock => lock?,
            };
            lock.lock()?;
            let directory = Self { directory, _lock: lock };
            if directory.exists() {
                directory.check_path_len()?;
                return Ok(directory);
            }
        }
    }

    /// Creates the directory again if another program has removed it.
    pub(super) fn restore(&mut self) -> io::Result<()> {
        if !self.exists() {
            let lost = std::mem::replace(self, Self::create()?);
            tracing::warn!(
                lost = %lost.path().display(),
                now = %self.path().display(),
                "the directory of the runners' sockets was removed: a new one is used from now on"
            );
        }
        Ok(())
    }

    fn exists(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok_and(|metadata| metadata.is_dir())
    }

    /// Checks the longest path that a runner can have, so that no later runner fails to start.
    fn check_path_len(&self) -> io::Result<()> {
        let longest = self.sockets(RunnerId::new(u64::MAX)).checks;
        let length = longest.as_os_str().len();
        if length <= MAX_PATH_LEN {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            format!(
                "the path of a runner's socket is too long: {} has {length} bytes, but at most {MAX_PATH_LEN} are \
                 allowed; set XDG_RUNTIME_DIR or TMPDIR to a directory with a shorter path",
                longest.display()
            ),
        ))
    }

    pub(super) fn sockets(&self, id: RunnerId) -> SocketPaths {
        SocketPaths {
            requests: self.path().join(format!("{id}.sock")),
            checks: self.path().join(format!("{id}.health.sock")),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Where the directory may be, in this order, by the value of `XDG_RUNTIME_DIR`.
fn parents(runtime: Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let runtime = runtime.map(PathBuf::from).filter(|path| path.is_absolute());
    runtime.into_iter().chain([PathBuf::from("/run"), env::temp_dir()])
}

/// Removes the directories of hosts of the same user that have ended.
fn sweep(parent: &Path) -> io::Result<()> {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let is_one =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        let is_own = || fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir() && it.uid() == own);
        if is_one && is_own() {
            remove_abandoned(&path);
        }
    }
    Ok(())
}

/// Removes a directory if its host has ended. The lock is held meanwhile, so that a host that is just creating it
/// notices.
fn remove_abandoned(path: &Path) {
    let Ok(directory) = File::open(path) else { return };
    match directory.try_lock() {
        Ok(()) => {
            tracing::debug!(path = %path.display(), "removing the directory of an ended host");
            let _ = fs::remove_dir_all(path);
        }
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_private_and_removed_when_dropped_s41d() {
        let directory = SocketDirectory::create().unwrap();
        let path = directory.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn directories_whose_old_files_are_left_alone_come_before_the_temporary_one() {
        let parents = |runtime: Option<&str>| parents(runtime.map(OsString::from)).collect::<Vec<_>>();
        let temporary = env::temp_dir();
        let without = [Path::new("/run"), &*temporary];
        assert_eq!(parents(None), without);
        assert_eq!(parents(Some("/run/user/7")), [Path::new("/run/user/7"), without[0], without[1]]);
        // The specification says that a relative path is ignored.
        assert_eq!(parents(Some("run/user/7")), without);
        assert_eq!(parents(Some("")), without);
    }

    #[test]
    fn hosts_that_start_together_leave_each_other_alone_s41f() {
        let parent = tempfile::tempdir().unwrap();
        let start = || {
            for _ in 0..200 {
                let directory = SocketDirectory::create_in(parent.path()).unwrap();
                fs::write(directory.sockets(RunnerId::new(1)).requests, "").unwrap();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(start);
            }
        });
    }

    #[test]
    fn only_the_directory_of_a_killed_host_is_swept_s41f() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("1.sock"), "").unwrap();
            path
        };
        let (dead, alive, other) = (make("fal-host-dead"), make("fal-host-alive"), make("something-else"));
        let lock = File::open(&alive).unwrap();
        lock.lock().unwrap();
        sweep(parent.path()).unwrap();
        assert!(!dead.exists());
        assert!(alive.exists() && other.exists());
    }

    #[test]
    fn a_directory_that_cannot_be_used_is_passed_over_for_the_next() {
        let (long, short) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let deep = long.path().join("d".repeat(60));
        fs::create_dir(&deep).unwrap();
        let missing = short.path().join("missing");
        let parents = [missing.clone(), deep.clone(), short.path().to_owned()];
        let directory = SocketDirectory::create_in_first(parents).unwrap();
        assert_eq!(directory.path().parent(), Some(short.path()));
        let error = SocketDirectory::create_in_first([missing, deep.clone()]).unwrap_err().to_string();
        assert!(
            error.contains("18446744073709551615.health.sock has ") && error.contains("at most 103"),
            "{error}"
        );
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0, "nothing is left there");
    }
}
