//! Whether the kernel has killed a process because memory ran out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;

/// How the host knows that the kernel killed a runner because memory ran out. All are counters of such kills that have
/// risen shortly before the runner ended. The first one is proof; with the others, another process may have been killed at the
/// same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OomEvidence {
    /// The counter of the runner's own control group.
    RunnerCgroup,
    /// The counter of the host's control group, which is that of a container.
    HostCgroup,
    /// The counter of the machine.
    Machine,
}

impl OomEvidence {
    /// The name of the evidence in logs and the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunnerCgroup => "runner_cgroup",
            Self::HostCgroup => "host_cgroup",
            Self::Machine => "machine",
        }
    }
}

/// How often the counters are read. A kill is told for a runner that ends within two of these.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A counter of kills.
#[derive(Debug)]
struct Counter {
    file: PathBuf,
    evidence: OomEvidence,
    /// Its value one and two intervals ago.
    last: Option<u64>,
    before: Option<u64>,
}

/// Watches the counters that all runners share.
#[derive(Debug)]
pub(crate) struct OomWatch(Mutex<Vec<Counter>>);

impl OomWatch {
    /// Watches the counters of this process's control group and of the machine.
    pub(crate) fn new() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let own = own.lines().filter_map(file_of).map(|file| (file, OomEvidence::HostCgroup));
        Self::of(own.chain([("/proc/vmstat".into(), OomEvidence::Machine)]))
    }

    fn of(files: impl Iterator<Item = (PathBuf, OomEvidence)>) -> Self {
        let counter = |(file, evidence): (PathBuf, OomEvidence)| {
            let now = kills(&file);
            Counter { file, evidence, last: now, before: now }
        };
        Self(Mutex::new(files.map(counter).collect()))
    }

    /// Reads the counters at intervals, as long as the launcher lives.
    pub(crate) async fn run(watch: Weak<Self>) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let Some(watch) = watch.upgrade() else { return };
            watch.look();
        }
    }

    fn look(&self) {
        for counter in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            counter.before = std::mem::replace(&mut counter.last, kills(&counter.file));
        }
    }

    /// Whether a process was killed a short time ago. `own` is the control group of the runner that has ended by SIGKILL.
    pub(crate) fn killed(&self, own: Option<&Path>) -> Option<OomEvidence> {
        let own = own.and_then(|group| kills(&group.join("memory.events")));
        if own.is_some_and(|kills| kills > 0) {
            return Some(OomEvidence::RunnerCgroup);
        }
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let risen = |counter: &&Counter| {
            counter.before.is_some_and(|before| kills(&counter.file).is_some_and(|now| now > before))
        };
        counters.iter().find(risen).map(|counter| counter.evidence)
    }
}

/// The file with the counter of a control group, which a line of `/proc/self/cgroup` names.
fn file_of(line: &str) -> Option<PathBuf> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let path = path.trim_start_matches('/');
    let file = match controllers {
        "" => Path::new("/sys/fs/cgroup").join(path).join("memory.events"),
        "memory" => Path::new("/sys/fs/cgroup/memory").join(path).join("memory.oom_control"),
        _ => return None,
    };
    file.exists().then_some(file)
}

/// The value of the line `oom_kill` of a file.
fn kills(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_of_a_counter_is_told_for_a_short_time_and_the_closest_counter_is_named_s85c() {
        let files = tempfile::tempdir().unwrap();
        let write = |name: &str, kills: u64| {
            let path = files.path().join(name);
            fs::write(&path, format!("oom 9\noom_kill {kills}\noom_group_kill 0\n")).unwrap();
            path
        };
        let (group, machine) = (write("group", 1), write("machine", 1));
        let watch =
            OomWatch::of([(group, OomEvidence::HostCgroup), (machine, OomEvidence::Machine)].into_iter());
        assert_eq!(watch.killed(None), None);
        write("machine", 2);
        assert_eq!(watch.killed(None), Some(OomEvidence::Machine));
        watch.look();
        assert_eq!(watch.killed(None), Some(OomEvidence::Machine), "two runners may have been killed");
        watch.look();
        assert_eq!(watch.killed(None), None, "that was long ago");
        write("machine", 3);
        write("group", 2);
        assert_eq!(watch.killed(None), Some(OomEvidence::HostCgroup));
        write("memory.events", 0);
        assert_eq!(watch.killed(Some(files.path())), Some(OomEvidence::HostCgroup));
        write("memory.events", 1);
        assert_eq!(watch.killed(Some(files.path())), Some(OomEvidence::RunnerCgroup));
    }

    #[test]
    fn without_counters_no_kill_is_told_s85c() {
        let watch = OomWatch::of([("/no/such/file".into(), OomEvidence::Machine)].into_iter());
        assert_eq!(watch.killed(Some(Path::new("/no/such/group"))), None);
    }
}
