//! Waiting for the end of a process, and killing what is left of its group.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::cgroup::Cgroup;
use super::stop_signal::{StopSignal, StopSignalTo};
use crate::evidence::EndEvidence;
use crate::fleet::Exit;

/// A process group that can be signalled until its leader has been reaped.
///
/// After that, the system may give the id of the group to another one. So a lock keeps signals and reaping apart.
#[derive(Clone, Debug)]
pub(super) struct Group {
    leader: Arc<Mutex<Option<Pid>>>,
    /// Whether the host has killed it.
    killed: Arc<AtomicBool>,
    /// Holds the processes that left the group, too.
    cgroup: Option<Cgroup>,
}

impl Group {
    /// The group that a child process leads.
    pub(super) fn led_by(leader: Pid, cgroup: Option<Cgroup>) -> Self {
        Self { leader: Arc::new(Mutex::new(Some(leader))), killed: Arc::default(), cgroup }
    }

    /// Whether the host has killed the group, which another clone of it asks later.
    pub(super) fn was_killed(&self) -> impl Fn() -> bool + use<> {
        let killed = Arc::clone(&self.killed);
        move || killed.load(Ordering::Relaxed)
    }

    pub(super) fn terminate(&self, signal: StopSignal, to: StopSignalTo) {
        match to {
            StopSignalTo::Leader => self.signal(signal.into(), kill_process),
            StopSignalTo::Group => self.signal(signal.into(), kill_process_group),
        }
    }

    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
        self.kill_all();
    }

    fn kill_all(&self) {
        self.signal(Signal::KILL, kill_process_group);
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
    }

    fn signal(&self, signal: Signal, send: fn(Pid, Signal) -> rustix::io::Result<()>) {
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pid) = *leader else { return };
        match send(pid, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(Errno::PERM) => tracing::error!(
                pid = pid.as_raw_nonzero(),
                ?signal,
                "cannot signal a runner that has changed its user: run the host as the same user, or with the \
                 capability CAP_KILL"
            ),
            Err(error) => {
                tracing::warn!(pid = pid.as_raw_nonzero(), %error, ?signal, "cannot signal a runner");
            }
        }
    }

    /// Waits until the leader has ended, kills what is left of the group, and reaps the leader. In this order, because
    /// the id of the group stays reserved only until the leader is reaped.
    pub(super) async fn end(self) -> Reaped {
        let waited = self.leader_ended().await;
        self.ended(waited)
    }

    fn ended(self, waited: io::Result<()>) -> Reaped {
        self.kill_all();
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        // From now on the id may belong to another group.
        let Some(pid) = leader.take() else { return Reaped::UNKNOWN };
        match waited {
            Ok(()) => reap(pid).unwrap_or(Reaped::UNKNOWN),
            Err(error) => {
                let pid = pid.as_raw_nonzero();
                tracing::error!(%error, pid, "cannot wait for a process, so it was killed");
                Reaped::UNKNOWN
            }
        }
    }

    async fn leader_ended(&self) -> io::Result<()> {
        let Some(pid) = *self.leader.lock().unwrap_or_else(PoisonError::into_inner) else { return Ok(()) };
        #[cfg(target_os = "linux")]
        match await_descriptor(pid).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::debug!(%error, "no pidfd: SIGCHLD is awaited instead"),
        }
        await_signal(pid).await
    }
}

/// How often a process is looked at without a signal: a program may block SIGCHLD in all of its threads.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Waits for SIGCHLD, which tells that some child process has ended. One signal may stand for several of them, so every
/// waiter looks. Waiting takes no thread.
async fn await_signal(pid: Pid) -> io::Result<()> {
    let mut child_ended = signal(SignalKind::child())?;
    while !has_ended(pid)? {
        // Without a signal, it is time to look again.
        let _ = timeout(LOOK_INTERVAL, child_ended.recv()).await;
    }
    Ok(())
}

/// Waits on a pidfd, which becomes readable when its process ends. So waiting takes no thread.
#[cfg(target_os = "linux")]
async fn await_descriptor(pid: Pid) -> io::Result<()> {
    use tokio::io::{Interest, unix::AsyncFd};

    let descriptor = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::NONBLOCK)?;
    #[expect(unsafe_code, reason = "registering a descriptor has no safe form")]
    // SAFETY: an `OwnedFd` is open until it is dropped, always has the same number, and moves in here.
    let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
    loop {
        let mut ready = descriptor.readable().await?;
        if has_ended(pid)? {
            return Ok(());
        }
        ready.clear_ready();
    }
}

/// How a process ended, and what the kernel says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reaped {
    pub(super) exit: Exit,
    pub(super) evidence: EndEvidence,
}

impl Reaped {
    const UNKNOWN: Self = Self {
        exit: Exit::Unknown,
        evidence: EndEvidence { core_dumped: false, oom_killed: None, peak_memory: None, cpu_time: None },
    };
}

/// Reaps a process that has ended, and returns how it ended.
fn reap(pid: Pid) -> io::Result<Reaped> {
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    #[expect(unsafe_code, reason = "rustix has no call that returns what a process has used")]
    // SAFETY: both pointers are valid for the call, which writes a status and a whole `rusage` before it returns the id of
    // a process. A `rusage` of zeros is valid, too.
    let (reaped, usage) = unsafe {
        let reaped = libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, usage.as_mut_ptr());
        (reaped, usage.assume_init())
    };
    match (reaped, io::Error::last_os_error()) {
        (-1, error) if error.kind() == io::ErrorKind::Interrupted => reap(pid),
        (-1, error) => Err(error),
        _ => {
            let status = ExitStatus::from_raw(status);
            let core_dumped = status.core_dumped();
            let evidence = EndEvidence { core_dumped, oom_killed: None, ..EndEvidence::of(&usage) };
            Ok(Reaped { exit: status.into(), evidence })
        }
    }
}

/// Whether a process has ended. Does not reap it.
fn has_ended(pid: Pid) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    loop {
        match rustix::process::waitid(WaitId::Pid(pid), options) {
            Ok(status) => return Ok(status.is_some()),
            Err(Errno::INTR) => {}
            // In a program that ignores SIGCHLD the system reaps it.
            Err(Errno::CHILD) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use rustix::process::getpid;

    use super::super::cgroup_entry::pid_of;
    use super::*;

    #[test]
    fn the_kernel_tells_what_an_ended_process_has_used_and_whether_it_dumped_core_s85b() {
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", "exit 3"]).process_group(0).spawn().unwrap();
        let pid = pid_of(&child).unwrap();
        while !has_ended(pid).unwrap() {
            std::thread::yield_now();
        }
        let reaped = reap(pid).unwrap();
        // The standard library does not know that it was reaped.
        let mut child = child;
        assert!(child.wait().is_err());
        assert_eq!((reaped.exit, reaped.evidence.core_dumped), (Exit::Status(3), false));
        assert!(reaped.evidence.peak_memory.unwrap() > 0 && reaped.evidence.cpu_time.is_some());
    }

    #[test]
    fn a_signal_that_is_not_permitted_is_an_error_that_says_what_to_do() {
        let log = Arc::new(tempfile::tempfile().unwrap());
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::clone(&log)).finish();
        let group = Group::led_by(getpid(), None);
        tracing::subscriber::with_default(lines, || {
            group.signal(Signal::KILL, |_, _| Err(Errno::PERM));
            group.signal(Signal::KILL, |_, _| Err(Errno::SRCH));
        });
        (&*log).rewind().unwrap();
        let log = io::read_to_string(&*log).unwrap();
        let what = "cannot signal a runner that has changed its user: run the host as the same user, or with the capability CAP_KILL";
        assert!(log.contains("ERROR") && log.contains(what), "{log}");
        let process = format!("pid={}", getpid().as_raw_nonzero());
        assert!(log.contains(&process) && log.contains("Signal::KILL"), "{log}");
        assert_eq!(log.lines().count(), 1, "a process that has ended is as wanted");
    }

    #[test]
    fn a_group_that_cannot_be_waited_for_is_killed_and_its_id_forgotten_s41f() {
        let mut sleep = Command::new("sleep");
        let mut child = sleep.arg("1000").stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut witness = child.stdout.take().unwrap();
        let group = Group::led_by(pid_of(&child).unwrap(), None);
        let signals_later = group.clone();
        assert_eq!(group.ended(Err(io::ErrorKind::Other.into())), Reaped::UNKNOWN);
        // Its end of the pipe closes when it ends.
        assert_eq!(io::copy(&mut witness, &mut io::sink()).unwrap(), 0);
        assert_eq!(*signals_later.leader.lock().unwrap(), None);
        child.wait().unwrap();
    }
}
