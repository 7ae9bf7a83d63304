use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "fal-host-";
const LOCK: &str = "lock";

/// Where the runners' sockets are: a directory that only the host's user may enter. It goes with its owner; what a host
/// that was killed has left behind, the next one of the same user removes.
#[derive(Debug)]
pub(super) struct Directory {
    directory: TempDir,
    /// Locked for as long as the host lives, however it ends: so whoever can lock it may sweep.
    _lock: File,
}

impl Directory {
    pub(super) fn create() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        // Not to be able to tidy up after others is no reason not to start.
        if let Err(error) = sweep(&parent) {
            tracing::debug!(%error, "what ended hosts have left behind was not looked for");
        }
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let lock = File::create(directory.path().join("unlocked"))?;
        lock.lock()?;
        // Nobody sees it before it is locked: a host that starts at the same time would take it for a dead one's.
        fs::rename(directory.path().join("unlocked"), directory.path().join(LOCK))?;
        Ok(Self { directory, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn sweep(parent: &Path) -> io::Result<()> {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let is_one =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        let is_own = || fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir() && it.uid() == own);
        if is_one && is_own() && is_left_over(&path) {
            tracing::debug!(path = %path.display(), "an ended host has left this behind");
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// One that has no lock yet is being made.
fn is_left_over(path: &Path) -> bool {
    match File::open(path.join(LOCK)).map(|lock| lock.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_goes_with_its_owner_s41d() {
        let directory = Directory::create().unwrap();
        let path = directory.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn hosts_that_start_together_leave_each_other_alone_s41f() {
        let start = || {
            for _ in 0..200 {
                let directory = Directory::create().unwrap();
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
    fn what_a_killed_host_left_behind_is_swept_and_nothing_else_s41f() {
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
