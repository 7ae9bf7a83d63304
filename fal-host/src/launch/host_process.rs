//! The process of another host, to which this one hands its sockets over (S90).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::cgroup_entry::pid_of;
use super::orphans;
use super::reap::{Group, Reaped};
use super::starter::StarterThread;
use super::stop_signal::{StopSignal, StopSignalTo};
use crate::fleet::Exit;
use crate::{open_files, threads};

/// The first inherited descriptor, by the custom of service managers (`LISTEN_FDS`).
pub(crate) const FIRST_INHERITED: RawFd = 3;

/// How often the host kills a process that is given up and that may not have been forked yet, and how long it waits between.
const KILLS: u32 = 50;
const BETWEEN_KILLS: Duration = Duration::from_millis(2);

/// The process of another host. It is a child of this process, and no runner: it outlives this process.
#[derive(Debug)]
pub(crate) struct HostProcess {
    pid: Pid,
    group: Group,
}

impl HostProcess {
    /// Starts the command with this standard error, and with these descriptors as 3 and following. The start is killed if it is
    /// given up before the system has executed the program; the inner result is why, then.
    pub(crate) async fn start<T>(
        mut command: Command,
        stderr: Stdio,
        descriptors: &[OwnedFd],
        given_up: impl Future<Output = T>,
    ) -> io::Result<Result<Self, T>> {
        // Above the numbers that they are to have: none of them overwrites another one.
        let first_free =
            i32::try_from(descriptors.len()).unwrap_or(RawFd::MAX - FIRST_INHERITED) + FIRST_INHERITED;
        let above = |descriptor: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(descriptor, first_free);
        let above = descriptors.iter().map(above).collect::<rustix::io::Result<Vec<_>>>()?;
        let sources: Vec<RawFd> = above.iter().map(AsRawFd::as_raw_fd).collect();
        #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
        // SAFETY: the closure makes system calls. It does not allocate or lock. The descriptors are open until the process has
        // been started.
        unsafe {
            command.pre_exec(move || {
                for (number, source) in (FIRST_INHERITED..).zip(&sources) {
                    if libc::dup2(*source, number) == -1 {
                        return Err(io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(stderr);
        open_files::restore_in(&mut command);
        let (sender, mut started) = oneshot::channel();
        let starting_thread = StarterThread::default();
        let this = starting_thread.clone();
        let start = move || {
            this.begin();
            let process = orphans::start_spared(|| {
                let child = command.spawn()?;
                pid_of(&child).ok_or_else(|| io::ErrorKind::Other.into())
            });
            drop(above);
            let process = process.map(|pid| Self { pid, group: Group::led_by(pid, None) });
            if let Err(Ok(late)) = sender.send(process) {
                late.group.kill();
                let _ = waitpid(Some(late.pid), WaitOptions::empty());
                orphans::forget(late.pid);
            }
        };
        threads::spawn(thread::Builder::new().name("fal-host-upgrade".to_owned()), start)?;
        let given_up = pin!(given_up);
        let why = tokio::select! {
            biased;
            process = &mut started => {
                return process.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map(Ok);
            }
            why = given_up => why,
        };
        for _ in 0..KILLS {
            starting_thread.kill_new_children(&[]);
            if let Ok(process) = timeout(BETWEEN_KILLS, &mut started).await {
                if let Ok(Ok(process)) = process {
                    process.end(Duration::ZERO, async {}).await;
                }
                break;
            }
        }
        Ok(Err(why))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits for its end. Cancel safe.
    pub(crate) async fn ended(&self) -> Exit {
        let Reaped { exit, .. } = self.group.clone().end().await;
        orphans::forget(self.pid);
        exit
    }

    /// Ends it: by SIGTERM, and if it has not ended after `patience`, or at `at_once`, by SIGKILL. Then kills what it leaves behind,
    /// which has the listening sockets.
    pub(crate) async fn end(&self, patience: Duration, at_once: impl Future<Output = ()>) -> Exit {
        self.group.terminate(StopSignal::Term, StopSignalTo::Leader);
        let killed = async {
            tokio::select! {
                biased;
                () = at_once => {}
                () = sleep(patience) => {}
            }
            // An error means that it has just ended.
            let _ = kill_process(self.pid, Signal::KILL);
            std::future::pending::<Exit>().await
        };
        let exit = tokio::select! {
            exit = self.ended() => exit,
            exit = killed => exit,
        };
        orphans::kill_those_of_a_failed_upgrade().await;
        exit
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::super::never_executed;
    use super::*;

    #[tokio::test]
    async fn a_new_host_that_is_not_executed_is_killed_when_it_is_given_up_s92a_s92c() {
        let (command, mut forks) = never_executed();
        let given_up = async {
            forks.read_u8().await.unwrap();
            // No lock is held meanwhile that the end of a runner needs.
            orphans::forget(rustix::process::getpid());
            "late"
        };
        let started = HostProcess::start(command, Stdio::null(), &[], given_up).await.unwrap();
        assert_eq!(started.err(), Some("late"));
        assert!(forks.read_u8().await.is_err(), "the process has ended");
    }
}
