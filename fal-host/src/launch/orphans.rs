//! Processes that left their runner's process group, such as daemons, which call `setsid`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fal_health::protocol::{Address, variable::LISTEN};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

/// Makes this process the parent of every descendant whose own parent ends (a subreaper). So a process that left its
/// runner's process group is found, and killed when the runner ends.
///
/// The setting holds for the whole process. Use it only in a program whose later child processes are all runners: every
/// other orphan counts as a runner's. Child processes that exist already, as a shell leaves them to the program that it
/// executes, are left alone.
///
/// # Errors
///
/// If the system refuses it, if it does not list child processes (`/proc` is not mounted), and on systems other than
/// Linux.
pub fn adopt_orphans() -> io::Result<()> {
    #[cfg(not(target_os = "linux"))]
    return Err(io::ErrorKind::Unsupported.into());
    #[cfg(target_os = "linux")]
    {
        // Without it, orphans could not be found, and would be zombies when they have ended.
        fs::read("/proc/thread-self/children")?;
        inherited().extend(children_of(getpid()).iter().map(|child| child.as_raw_nonzero().get()));
        Ok(rustix::process::set_child_subreaper(Some(getpid()))?)
    }
}

/// Finds and kills the child processes of this process that are not runners. Does nothing unless [`adopt_orphans`] was
/// called.
///
/// An orphan belongs to the runner whose address is in its environment. A process without that variable is left alone
/// until the last host of this process ends. No call waits for a process to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orphans {
    active: bool,
}

/// Marks a host that is to take over: the process id of the one that has started it (S90).
pub(crate) const UPGRADE_FROM: &str = "FAL_UPGRADE_FROM";

/// How long the host does something else after a look at all orphans, as a multiple of the time that the look took. A runner may
/// leave thousands of processes behind, some of which end all the time (S100).
const PAUSE_PER_LOOK: u32 = 10;

/// How often the host looks at orphans that are about to end, or to have an environment, and how long it waits between.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// How many hosts of this process start runners.
static HOSTS: AtomicUsize = AtomicUsize::new(0);

/// The threads that start runners or other processes which are no orphans.
static STARTERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn starters() -> MutexGuard<'static, BTreeSet<i32>> {
    STARTERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The live runners of all hosts of this process: their process ids, and the marks of their descendants.
static RUNNERS: Mutex<BTreeMap<i32, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// The marks of the runners that are being started.
static STARTING: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

fn starting() -> MutexGuard<'static, BTreeSet<Vec<u8>>> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The child processes that this thread starts are left alone. Has no effect for the main thread.
pub(crate) fn keep_children_of_this_thread() {
    #[cfg(target_os = "linux")]
    starters().insert(rustix::thread::gettid().as_raw_nonzero().get());
}

/// Before a thread ends: the system may give its id to another one.
#[cfg(feature = "cli")]
fn release_children_of_this_thread() {
    #[cfg(target_os = "linux")]
    starters().remove(&rustix::thread::gettid().as_raw_nonzero().get());
}

/// The child processes that this process had before it adopted orphans, until they are reaped.
static INHERITED: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn inherited() -> MutexGuard<'static, BTreeSet<i32>> {
    INHERITED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runners() -> MutexGuard<'static, BTreeMap<i32, Vec<u8>>> {
    RUNNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Orphans {
    pub(super) fn new() -> Self {
        #[cfg(target_os = "linux")]
        let active = rustix::process::child_subreaper().is_ok_and(|reaper| reaper.is_some());
        #[cfg(not(target_os = "linux"))]
        let active = false;
        HOSTS.fetch_add(1, Ordering::Relaxed);
        Self { active }
    }

    /// Starts a runner on this thread. From now on until it is reaped, it and its descendants are left alone, whatever thread
    /// looks for orphans meanwhile. No lock is held while it starts, which may take long.
    pub(super) fn start_runner<T>(
        self,
        address: &Address,
        start: impl FnOnce() -> io::Result<(Pid, T)>,
    ) -> io::Result<(Pid, T)> {
        if !self.active {
            return start();
        }
        keep_children_of_this_thread();
        let mark = mark(address);
        starting().insert(mark.clone());
        let started = start();
        if let Ok((runner, _)) = &started {
            runners().insert(runner.as_raw_nonzero().get(), mark.clone());
        }
        starting().remove(&mark);
        started
    }

    /// A runner was reaped: its remaining descendants are killed.
    pub(super) fn runner_ended(self, runner: Pid) {
        runners().remove(&runner.as_raw_nonzero().get());
        self.kill_orphans();
    }

    /// Reaps and kills orphans whenever a child process ends, because its own children then become orphans.
    pub(super) async fn watch(self) {
        if !self.active {
            return;
        }
        let Ok(mut ended) = signal(SignalKind::child()) else { return };
        while ended.recv().await.is_some() {
            for _ in 0..LOOKS {
                let began = Instant::now();
                let is_complete = self.kill_orphans();
                sleep(began.elapsed() * PAUSE_PER_LOOK).await;
                if is_complete {
                    break;
                }
                sleep(BETWEEN_LOOKS).await;
            }
        }
    }

    /// Returns whether the runner of every orphan is known.
    fn kill_orphans(self) -> bool {
        let mut is_complete = true;
        for orphan in self.living() {
            // Before the runners: a runner that has just started moves from here to there.
            let starting = starting().clone();
            let runners = runners();
            match mark_of(orphan) {
                Some(mark)
                    if !starting.contains(&mark) && !runners.values().any(|living| *living == mark) =>
                {
                    kill(orphan);
                }
                Some(_) => {}
                None => is_complete &= !is_executing(orphan),
            }
        }
        is_complete
    }

    /// Kills the orphans that belong to no living runner when a host ends, and all orphans when the last host of this
    /// process ends. Blocks for at most 100 ms.
    pub(super) fn end(self) {
        if HOSTS.fetch_sub(1, Ordering::Relaxed) > 1 {
            self.kill_orphans();
            return;
        }
        for _ in 0..LOOKS {
            let living = self.living();
            if living.is_empty() {
                return;
            }
            living.into_iter().for_each(kill);
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// The orphans that live. They and the inherited child processes are reaped if they have ended.
    fn living(self) -> Vec<Pid> {
        if !self.active {
            return Vec::new();
        }
        let (runners, mut inherited) = (runners(), inherited());
        let is_living_orphan = |pid: &Pid| {
            let number = pid.as_raw_nonzero().get();
            if runners.contains_key(&number) {
                return false;
            }
            if reap(*pid) {
                // The system may give its id to another process.
                inherited.remove(&number);
                return false;
            }
            !inherited.contains(&number)
        };
        let is_host = |pid: &Pid| value_of(*pid, UPGRADE_FROM).is_some();
        adopted().into_iter().filter(is_living_orphan).filter(|pid| !is_host(pid)).collect()
    }
}

/// Starts a child process that outlives this one: a host that takes over (S90). Not on the main thread.
///
/// Meanwhile no child process of this thread is reaped here. If the program cannot be executed, the standard library waits for the
/// process itself, and must find it.
#[cfg(feature = "cli")]
pub(super) fn start_spared(start: impl FnOnce() -> io::Result<Pid>) -> io::Result<Pid> {
    keep_children_of_this_thread();
    let started = start();
    if let Ok(process) = &started {
        runners().insert(process.as_raw_nonzero().get(), Vec::new());
    }
    release_children_of_this_thread();
    started
}

/// A process of [`start_spared`] has been reaped.
#[cfg(feature = "cli")]
pub(super) fn forget(process: Pid) {
    runners().remove(&process.as_raw_nonzero().get());
}

/// Kills what a program that was to take over has left behind (S92a): its descendants have its environment and the listening
/// sockets. Takes at most about 100 ms.
#[cfg(feature = "cli")]
pub(super) async fn kill_those_of_a_failed_upgrade() {
    let mark = format!("{UPGRADE_FROM}={}", getpid().as_raw_nonzero()).into_bytes();
    for _ in 0..LOOKS {
        // Each one that ends may leave some more.
        let (mut is_left, adopted) = (false, adopted());
        for process in adopted {
            match value_of(process, UPGRADE_FROM) {
                Some(value) if value == mark => {
                    is_left = true;
                    kill(process);
                }
                Some(_) => {}
                None => is_left |= is_executing(process),
            }
        }
        if !is_left {
            return;
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

/// The orphans that this process has adopted, among other child processes of it.
///
/// The system gives an orphan to the first thread of this process that lives. So the child processes of a thread that
/// starts runners, which may be thousands, are left out, unless it is the main thread.
pub(super) fn adopted() -> Vec<Pid> {
    let (main, starters) = (getpid().as_raw_nonzero().get(), starters());
    children_of_threads(getpid(), |thread| thread == main || !starters.contains(&thread))
}

/// The child processes of all threads of a process. Empty where the system does not tell.
pub(super) fn children_of(process: Pid) -> Vec<Pid> {
    children_of_threads(process, |_| true)
}

pub(super) fn children_of_threads(process: Pid, is_wanted: impl Fn(i32) -> bool) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()));
    let threads = threads.into_iter().flatten().flatten();
    let id = |thread: &fs::DirEntry| thread.file_name().to_str()?.parse().ok();
    let threads = threads.filter(|thread| id(thread).is_none_or(&is_wanted));
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let parse = |pid: &str| pid.parse().ok().and_then(Pid::from_raw);
    lists.flat_map(|list| list.split_whitespace().filter_map(parse).collect::<Vec<_>>()).collect()
}

/// The environment variable by which the descendants of a runner are found.
fn mark(address: &Address) -> Vec<u8> {
    format!("{LISTEN}={address}").into_bytes()
}

/// The mark in the environment of a process, if it has one.
fn mark_of(pid: Pid) -> Option<Vec<u8>> {
    value_of(pid, LISTEN)
}

/// A variable in the environment of a process, with its name.
fn value_of(pid: Pid, name: &str) -> Option<Vec<u8>> {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    let prefix = format!("{name}=");
    let mut variables = environment.split(|byte| *byte == 0);
    variables.find(|variable| variable.starts_with(prefix.as_bytes())).map(<[u8]>::to_vec)
}

/// Whether a process has no environment yet, because it is about to execute another program.
fn is_executing(pid: Pid) -> bool {
    let is_empty = |file| {
        fs::read(format!("/proc/{}/{file}", pid.as_raw_nonzero())).is_ok_and(|content| content.is_empty())
    };
    is_empty("environ") && is_empty("cmdline") && !has_ended(pid)
}

/// Whether a child process has ended. It is not reaped.
pub(super) fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::Pid(pid), options).is_ok_and(|status| status.is_some())
}

/// Kills an orphan. Its process id is still its own, because it has not been reaped.
fn kill(orphan: Pid) {
    tracing::debug!(
        pid = orphan.as_raw_nonzero(),
        "killing an orphan, such as a process that left its runner's process group and outlived the runner"
    );
    let _ = rustix::process::kill_process(orphan, Signal::KILL);
}

/// Reaps a process if it has ended, and returns whether it has.
fn reap(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    rustix::process::waitid(WaitId::Pid(pid), options).is_ok_and(|status| status.is_some())
}
