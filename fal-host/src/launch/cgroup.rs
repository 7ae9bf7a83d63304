//! Control groups (cgroups): one write kills a runner and all that it started, also what left its process group.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::RunnerId;

const PREFIX: &str = "fal-host-";

/// The mount points of cgroup version 2: alone, or beside version 1.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// Numbers the hosts of this process.
static HOSTS: AtomicU64 = AtomicU64::new(0);

/// The cgroup of this host, with one for each runner below it. Removed with the last of them.
#[derive(Clone, Debug)]
pub(super) struct Cgroups(Arc<CgroupDirectory>);

/// The cgroup of one runner. Removed with its last clone.
#[derive(Clone, Debug)]
pub(super) struct Cgroup {
    directory: Arc<CgroupDirectory>,
    /// Dropped last: a cgroup can be removed only when it has none below it.
    _host: Cgroups,
}

#[derive(Debug)]
struct CgroupDirectory(PathBuf);

impl Cgroups {
    /// Makes a cgroup below this process's own, if that was delegated to it: it is the root of a container's namespace,
    /// or systemd marks it so (`Delegate=`). `None` elsewhere, because only its owner may change a cgroup.
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
        let directory = CgroupDirectory(directory);
        // Since Linux 5.14. On older versions the cgroup is removed again.
        directory.0.join("cgroup.kill").exists().then(|| Self(Arc::new(directory)))
    }

    /// Makes a cgroup for a runner, and opens its directory.
    pub(super) fn make(&self, id: RunnerId) -> io::Result<(Cgroup, File)> {
        let directory = CgroupDirectory(self.0.0.join(id.to_string()));
        fs::create_dir(&directory.0)?;
        let open = File::open(&directory.0)?;
        Ok((Cgroup { directory: Arc::new(directory), _host: self.clone() }, open))
    }
}

impl Cgroup {
    /// Kills every process in the cgroup.
    pub(super) fn kill(&self) {
        let group = &self.directory.0;
        if let Err(error) = fs::write(group.join("cgroup.kill"), "1") {
            tracing::warn!(%error, group = %group.display(), "a cgroup could not be killed");
        }
    }

    /// Its directory.
    pub(super) fn path(&self) -> &Path {
        &self.directory.0
    }

    /// Whether a process in the cgroup has not ended.
    pub(super) fn is_populated(&self) -> bool {
        fs::read_to_string(self.directory.0.join("cgroup.events"))
            .is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
    }
}

impl Drop for CgroupDirectory {
    fn drop(&mut self) {
        // Fails while a killed process has not ended yet. The next host removes it.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Whether systemd marks the cgroup as delegated.
fn is_delegated(group: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        rustix::fs::getxattr(group, *name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

/// Removes the cgroups of hosts that have ended. A cgroup with a process in it cannot be removed.
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
    use std::process::Command;

    use rustix::process::{WaitOptions, getpgid, waitpid};

    use super::super::cgroup_entry::CgroupEntry;
    use super::*;

    #[test]
    fn a_runner_starts_inside_its_cgroup_as_a_child_of_the_host_and_leads_a_group() {
        // Only where a cgroup is delegated to the tests.
        let Some(cgroups) = Cgroups::delegated() else { return };
        let (cgroup, open) = cgroups.make(RunnerId::new(7)).unwrap();
        let mut command = Command::new("sleep");
        command.arg("1000");
        let entry = CgroupEntry::of(&mut command);
        let runner = entry.spawn(&mut command, &open).unwrap();
        let pid = runner.as_raw_nonzero();
        let group = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        assert!(group.lines().any(|line| line.starts_with("0::") && line.ends_with("/7")), "{group}");
        assert_eq!(getpgid(Some(runner)).unwrap(), runner);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains(&format!("PPid:\t{}\n", std::process::id())), "{status}");
        cgroup.kill();
        let (_, status) = waitpid(Some(runner), WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.terminating_signal(), Some(9));
    }

    #[test]
    fn a_command_that_cannot_be_executed_in_a_cgroup_is_an_error() {
        let Some(cgroups) = Cgroups::delegated() else { return };
        let (_cgroup, open) = cgroups.make(RunnerId::new(8)).unwrap();
        let mut command = Command::new("/no/such/program");
        let entry = CgroupEntry::of(&mut command);
        assert_eq!(entry.spawn(&mut command, &open).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// A directory that looks like a cgroup.
    fn group(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(directory.path().join(file), "").unwrap();
        }
        directory
    }

    #[test]
    fn a_cgroup_that_was_not_delegated_is_left_alone() {
        let own = group(&["cgroup.procs"]);
        assert!(Cgroups::below(own.path(), false).is_none());
        assert_eq!(fs::read_dir(own.path()).unwrap().count(), 1);
    }

    #[test]
    fn without_cgroups_a_runner_has_no_cgroup() {
        let own = group(&[]);
        assert!(Cgroups::below(own.path(), true).is_none());
        assert!(Cgroups::below(Path::new("/no/such/group"), true).is_none());
    }

    #[test]
    fn without_cgroup_kill_the_new_cgroup_is_removed_again() {
        let own = group(&["cgroup.procs"]);
        assert!(Cgroups::below(own.path(), true).is_none());
        assert_eq!(fs::read_dir(own.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_runner_that_cannot_be_cloned_into_its_cgroup_is_moved_and_a_write_kills_it() {
        let own = group(&["cgroup.procs"]);
        let directory = own.path().join("fal-host-x");
        fs::create_dir(&directory).unwrap();
        let cgroups = Cgroups(Arc::new(CgroupDirectory(directory.clone())));
        let (entered, open) = cgroups.make(RunnerId::new(7)).unwrap();
        // The kernel makes this file in a real cgroup.
        fs::write(directory.join("7/cgroup.procs"), "").unwrap();
        let mut command = Command::new("true");
        let entry = CgroupEntry::of(&mut command);
        let runner = entry.spawn(&mut command, &open).unwrap();
        let (_, status) = waitpid(Some(runner), WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.exit_status(), Some(0));
        assert_eq!(fs::read_to_string(directory.join("7/cgroup.procs")).unwrap(), "0");
        entered.kill();
        assert_eq!(fs::read_to_string(directory.join("7/cgroup.kill")).unwrap(), "1");
    }

    #[test]
    fn only_the_cgroups_of_ended_hosts_are_swept() {
        let own = group(&["cgroup.procs"]);
        let make = |path: &str| fs::create_dir_all(own.path().join(path)).unwrap();
        // No process has this id: it is above the highest that the system gives.
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
