//! Control groups, where the system has handed the host a part of that tree: a runner's whole progeny ends by one write,
//! whatever it has done to its process group and its session.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use crate::RunnerId;

const PREFIX: &str = "fal-host-";

/// Where version 2 of control groups is mounted: alone, or beside version 1.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// A process may have several hosts.
static HOSTS: AtomicU64 = AtomicU64::new(0);

/// A part of the tree that is this host's. It goes when the last runner's group has gone.
#[derive(Clone, Debug)]
pub(super) struct Cgroups(Arc<Directory>);

/// The group of one runner. It goes with its last clone.
#[derive(Clone, Debug)]
pub(super) struct Cgroup {
    directory: Arc<Directory>,
    /// Goes after it.
    _host: Cgroups,
}

#[derive(Debug)]
struct Directory(PathBuf);

impl Cgroups {
    /// A part of the tree below this process's own group, where that was delegated: it is the root of a container's
    /// namespace, or systemd says so (`Delegate=`). None elsewhere: the tree is somebody else's to change.
    pub(super) fn delegated() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        MOUNTS.iter().find_map(|mount| Self::below(&Path::new(mount).join(own), own.is_empty()))
    }

    fn below(own: &Path, is_namespace_root: bool) -> Option<Self> {
        if !own.join("cgroup.procs").exists() || !(is_namespace_root || is_delegated(own)) {
            return None;
        }
        sweep(own);
        let (pid, host) = (std::process::id(), HOSTS.fetch_add(1, Ordering::Relaxed));
        let directory = own.join(format!("{PREFIX}{pid}-{host}"));
        fs::create_dir(&directory).ok()?;
        let directory = Directory(directory);
        // Linux has it since 5.14. On an older one the group is removed again.
        directory.0.join("cgroup.kill").exists().then(|| Self(Arc::new(directory)))
    }

    /// A group for a runner that is about to be started, and the file by which a process enters it.
    pub(super) fn make(&self, id: RunnerId) -> io::Result<(Cgroup, File)> {
        let directory = Directory(self.0.0.join(id.to_string()));
        fs::create_dir(&directory.0)?;
        let entrance = File::create(directory.0.join("cgroup.procs"))?;
        Ok((Cgroup { directory: Arc::new(directory), _host: self.clone() }, entrance))
    }
}

/// Lets the children of a command enter a control group before they begin, so that nothing they start is outside.
#[derive(Debug)]
pub(super) struct Entry(Arc<AtomicI32>);

impl Entry {
    pub(super) fn of(command: &mut Command) -> Self {
        let entrance = Arc::new(AtomicI32::new(NONE));
        let open = Arc::clone(&entrance);
        let enter = move || {
            let descriptor = open.load(Ordering::Relaxed);
            if descriptor != NONE {
                // SAFETY: the parent holds it open until it has seen this process begin.
                #[expect(unsafe_code, reason = "between fork and exec there is only its number")]
                let entrance = unsafe { BorrowedFd::borrow_raw(descriptor) };
                // 0 is whoever writes it. A runner that cannot enter runs without.
                let _ = rustix::io::write(entrance, b"0");
            }
            Ok(())
        };
        #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
        // SAFETY: it reads an atomic and makes one system call; it neither allocates nor locks.
        unsafe {
            command.pre_exec(enter);
        }
        Self(entrance)
    }

    /// Children that are started meanwhile enter by this file.
    pub(super) fn through<T>(&self, entrance: Option<&File>, start: impl FnOnce() -> T) -> T {
        self.0.store(entrance.map_or(NONE, AsRawFd::as_raw_fd), Ordering::Relaxed);
        let started = start();
        self.0.store(NONE, Ordering::Relaxed);
        started
    }
}

/// No descriptor.
const NONE: i32 = -1;

impl Cgroup {
    /// Kills all that is in it.
    pub(super) fn kill(&self) {
        let group = &self.directory.0;
        if let Err(error) = fs::write(group.join("cgroup.kill"), "1") {
            tracing::warn!(%error, group = %group.display(), "a control group could not be killed");
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It stays while a killed process has not ended yet; the next host sweeps it.
        let _ = fs::remove_dir(&self.0);
    }
}

/// systemd marks what it has delegated.
fn is_delegated(group: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        rustix::fs::getxattr(group, *name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

/// Removes the groups that hosts which are no more have left behind. One with a process in it cannot be removed.
fn sweep(own: &Path) {
    for entry in fs::read_dir(own).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let host = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|it| it.split_once('-'));
        if host.is_some_and(|(pid, _)| !Path::new("/proc").join(pid).exists()) {
            for leaf in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(leaf.path());
            }
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that looks like a control group.
    fn group(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(directory.path().join(file), "").unwrap();
        }
        directory
    }

    #[test]
    fn what_was_not_delegated_is_left_alone() {
        let own = group(&["cgroup.procs"]);
        assert!(Cgroups::below(own.path(), false).is_none());
        assert_eq!(fs::read_dir(own.path()).unwrap().count(), 1);
    }

    #[test]
    fn where_there_is_no_cgroup_none_is_used() {
        let own = group(&[]);
        assert!(Cgroups::below(own.path(), true).is_none());
        assert!(Cgroups::below(Path::new("/no/such/group"), true).is_none());
    }

    #[test]
    fn without_cgroup_kill_what_was_made_is_taken_back() {
        let own = group(&["cgroup.procs"]);
        assert!(Cgroups::below(own.path(), true).is_none());
        assert_eq!(fs::read_dir(own.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_runner_is_entered_and_killed_by_a_write() {
        let own = group(&["cgroup.procs"]);
        let directory = own.path().join("fal-host-x");
        fs::create_dir(&directory).unwrap();
        let cgroups = Cgroups(Arc::new(Directory(directory.clone())));
        let (entered, entrance) = cgroups.make(RunnerId::new(7)).unwrap();
        let mut command = Command::new("true");
        let entry = Entry::of(&mut command);
        assert!(entry.through(Some(&entrance), || command.status()).unwrap().success());
        assert_eq!(fs::read_to_string(directory.join("7/cgroup.procs")).unwrap(), "0");
        entered.kill();
        assert_eq!(fs::read_to_string(directory.join("7/cgroup.kill")).unwrap(), "1");
    }

    #[test]
    fn what_ended_hosts_left_behind_is_swept_and_nothing_else() {
        let own = group(&["cgroup.procs"]);
        let make = |path: &str| fs::create_dir_all(own.path().join(path)).unwrap();
        // No process has this number: it is above the system's highest.
        make("fal-host-2147483647-0/3");
        make(&format!("fal-host-{}-0/3", std::process::id()));
        make("fal-host-x");
        make("others");
        sweep(own.path());
        let mut left: Vec<_> = fs::read_dir(own.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        let own_name = format!("fal-host-{}-0", std::process::id());
        assert_eq!(left, ["cgroup.procs", &own_name, "fal-host-x", "others"].map(std::ffi::OsString::from));
    }
}
