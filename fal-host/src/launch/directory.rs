//! The directory of the runners' sockets.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "fal-host-";
const LOCK: &str = "lock";

/// The directory of the runners' sockets, which only the host's user may enter. Removed when dropped. If a host was
/// killed, the next host of the same user removes its directory.
#[derive(Debug)]
pub(super) struct SocketDirectory {
    directory: TempDir,
    /// Locked as long as the host lives, however it ends. So a directory whose lock is free belongs to an ended host.
    _lock: File,
}

impl SocketDirectory {
    pub(super) fn create() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        // The host can start without this.
        if let Err(error) = sweep(&parent) {
            tracing::debug!(%error, "the directories of ended hosts could not be listed");
        }
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let lock = File::create(directory.path().join("unlocked"))?;
        lock.lock()?;
        // The lock gets its name once it is locked: another host that starts now must not take it for an ended host's.
        fs::rename(directory.path().join("unlocked"), directory.path().join(LOCK))?;
        Ok(Self { directory, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes the directories of hosts of the same user that have ended.
fn sweep(parent: &Path) -> io::Result<()> {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let is_one =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        let is_own = || fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir() && it.uid() == own);
        if is_one && is_own() && is_abandoned(&path) {
            tracing::debug!(path = %path.display(), "removing the directory of an ended host");
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// Whether the host of a directory has ended. A directory without a lock is just being made.
fn is_abandoned(path: &Path) -> bool {
    match File::open(path.join(LOCK)).map(|lock| lock.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
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
    fn hosts_that_start_together_leave_each_other_alone_s41f() {
        let start = || {
            for _ in 0..200 {
                let directory = SocketDirectory::create().unwrap();
                assert!(directory.path().join(LOCK).exists());
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
        let make = |name: &str, locked: bool| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("1.sock"), "").unwrap();
            let lock = File::create(path.join(LOCK)).unwrap();
            if locked {
                lock.lock().unwrap();
            }
            (path, locked.then_some(lock))
        };
        let (dead, _) = make("fal-host-dead", false);
        let (alive, _lock) = make("fal-host-alive", true);
        let (other, _) = make("something-else", false);
        let being_made = parent.path().join("fal-host-new");
        fs::create_dir(&being_made).unwrap();
        sweep(parent.path()).unwrap();
        assert!(!dead.exists());
        assert!(alive.exists() && other.exists() && being_made.exists());
    }
}
