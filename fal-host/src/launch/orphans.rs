//! Processes that left their runner's group: daemons, and what else calls `setsid`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fal_health::protocol::{Address, variable::LISTEN};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::signal::unix::{SignalKind, signal};

/// Makes this process the parent of every process below it whose own parent ends, so that what leaves a runner's group
/// is found and ended with its runner. The setting is the whole process's: only a program that has no children but its
/// runners should make it, since every other child is taken for one of theirs.
///
/// # Errors
///
/// Where the system has no such thing (other than Linux), or refuses it.
pub fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?);
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

/// The children of this process that are no runners. It knows none, and does nothing, unless [`adopt_orphans`] was
/// called.
///
/// What a runner started is known by its environment, which names the runner's address. A process that has rid itself
/// of that is left alone until the host ends. Nothing here waits for a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orphans {
    active: bool,
}

/// The runners that live, of every host of this process: by their numbers, with the mark of what they start.
static RUNNERS: Mutex<BTreeMap<i32, Vec<u8>>> = Mutex::new(BTreeMap::new());

fn runners() -> MutexGuard<'static, BTreeMap<i32, Vec<u8>>> {
    RUNNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Orphans {
    pub(super) fn new() -> Self {
        #[cfg(target_os = "linux")]
        let active = rustix::process::child_subreaper().is_ok_and(|reaper| reaper.is_some());
        #[cfg(not(target_os = "linux"))]
        let active = false;
        Self { active }
    }

    /// From the start of a runner until it has been reaped, it is no orphan, and what it started is let live.
    pub(super) fn runner_started(self, runner: Pid, address: &Address) {
        if self.active {
            runners().insert(runner.as_raw_nonzero().get(), mark(address));
        }
    }

    /// The runner has been reaped: what it started and what has outlived it is killed.
    pub(super) fn runner_ended(self, runner: Pid) {
        runners().remove(&runner.as_raw_nonzero().get());
        self.tidy();
    }

    /// Tidies up whenever a child ends: what has ended is reaped, and what that has left behind is killed in its turn.
    pub(super) async fn attend(self) {
        if !self.active {
            return;
        }
        let Ok(mut ended) = signal(SignalKind::child()) else { return };
        while ended.recv().await.is_some() {
            self.tidy();
        }
    }

    fn tidy(self) {
        for orphan in self.living() {
            let runners = runners();
            if started_with(orphan).is_some_and(|mark| !runners.values().any(|living| *living == mark)) {
                kill(orphan);
            }
        }
    }

    /// The host ends, and with it all that is left. Blocks for a tenth of a second at most.
    pub(super) fn end(self) {
        for _ in 0..50 {
            let living = self.living();
            if living.is_empty() {
                return;
            }
            living.into_iter().for_each(kill);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Those that have not ended; the others are reaped.
    fn living(self) -> Vec<Pid> {
        if !self.active {
            return Vec::new();
        }
        let runners = runners();
        children()
            .into_iter()
            .filter(|pid| !runners.contains_key(&pid.as_raw_nonzero().get()) && !reap(*pid))
            .collect()
    }
}

/// This process's children, whichever of its threads they belong to.
fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let parse = |pid: &str| pid.parse().ok().and_then(Pid::from_raw);
    lists.flat_map(|list| list.split_whitespace().filter_map(parse).collect::<Vec<_>>()).collect()
}

fn mark(address: &Address) -> Vec<u8> {
    format!("{LISTEN}={address}").into_bytes()
}

/// The mark of the runner that a process descends from.
fn started_with(pid: Pid) -> Option<Vec<u8>> {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    let prefix = format!("{LISTEN}=");
    let mut variables = environment.split(|byte| *byte == 0);
    variables.find(|variable| variable.starts_with(prefix.as_bytes())).map(<[u8]>::to_vec)
}

/// The number cannot be somebody else's: it is a child that has not been reaped.
fn kill(orphan: Pid) {
    tracing::debug!(pid = orphan.as_raw_nonzero(), "left its runner's group and has outlived it: killed");
    let _ = rustix::process::kill_process(orphan, Signal::KILL);
}

/// Whether the process had ended; it is reaped then.
fn reap(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    rustix::process::waitid(WaitId::Pid(pid), options).is_ok_and(|status| status.is_some())
}
