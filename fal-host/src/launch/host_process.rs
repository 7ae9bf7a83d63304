//! The process of another host, to which this one hands its sockets over (S90).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::cgroup_entry::pid_of;
use super::orphans;
use super::reap::{Group, Reaped};
use super::stop_signal::{StopSignal, StopSignalTo};
use crate::fleet::Exit;
use crate::open_files;

/// The first inherited descriptor, by the custom of service managers (`LISTEN_FDS`).
pub(crate) const FIRST_INHERITED: RawFd = 3;

/// The process of another host. It is a child of this process, and no runner: it outlives this process.
#[derive(Debug)]
pub(crate) struct HostProcess {
    pid: Pid,
    group: Group,
}

impl HostProcess {
    /// Starts the command with this standard error, and with these descriptors as 3 and following.
    pub(crate) fn start(command: &mut Command, stderr: Stdio, descriptors: &[OwnedFd]) -> io::Result<Self> {
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
        open_files::restore_in(command);
        let pid = orphans::start_spared(|| {
            let child = command.spawn()?;
            pid_of(&child).ok_or_else(|| io::ErrorKind::Other.into())
        })?;
        Ok(Self { pid, group: Group::led_by(pid, None) })
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
