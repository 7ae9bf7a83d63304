//! Waiting for the end of a process, and killing what is left of its group.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, kill_process_group, waitpid,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::cgroup::Cgroup;
use super::stop_signal::{StopSignal, StopSignalTo};
use crate::fleet::Exit;

/// A process group that can be signalled until its leader has been reaped.
///
/// After that, the system may give the id of the group to another one. So a lock keeps signals and reaping apart.
#[derive(Clone, Debug)]
pub(super) struct Group {
    leader: Arc<Mutex<Option<Pid>>>,
    /// Holds the processes that left the group, too.
    cgroup: Option<Cgroup>,
}

impl Group {
    /// The group that a child process leads.
    pub(super) fn led_by(leader: Pid, cgroup: Option<Cgroup>) -> Self {
        Self { leader: Arc::new(Mutex::new(Some(leader))), cgroup }
    }

    pub(super) fn terminate(&self, signal: StopSignal, to: StopSignalTo) {
        match to {
            StopSignalTo::Leader => self.signal(signal.into(), kill_process),
            StopSignalTo::Group => self.signal(signal.into(), kill_process_group),
        }
    }

    pub(super) fn kill(&self) {
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
    pub(super) async fn end(self) -> Exit {
        let waited = self.leader_ended().await;
        self.ended(waited)
    }

    fn ended(self, waited: io::Result<()>) -> Exit {
        self.kill();
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        // From now on the id may belong to another group.
        let Some(pid) = leader.take() else { return Exit::Unknown };
        match waited {
            Ok(()) => reap(pid).map_or(Exit::Unknown, Exit::from),
            Err(error) => {
                let pid = pid.as_raw_nonzero();
                tracing::error!(%error, pid, "cannot wait for a process, so it was killed");
                Exit::Unknown
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

/// Reaps a process that has ended, and returns how it ended.
fn reap(pid: Pid) -> io::Result<ExitStatus> {
    let ended = rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()))?;
    ended.map(|(_, status)| ExitStatus::from_raw(status.as_raw())).ok_or_else(|| io::ErrorKind::Other.into())
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
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::super::cgroup_entry::pid_of;
    use super::*;

    #[test]
    fn a_group_that_cannot_be_waited_for_is_killed_and_its_id_forgotten_s41f() {
        let mut sleep = Command::new("sleep");
        let mut child = sleep.arg("1000").stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut witness = child.stdout.take().unwrap();
        let group = Group::led_by(pid_of(&child).unwrap(), None);
        let signals_later = group.clone();
        assert_eq!(group.ended(Err(io::ErrorKind::Other.into())), Exit::Unknown);
        // Its end of the pipe closes when it ends.
        assert_eq!(io::copy(&mut witness, &mut io::sink()).unwrap(), 0);
        assert_eq!(*signals_later.leader.lock().unwrap(), None);
        child.wait().unwrap();
    }
}
