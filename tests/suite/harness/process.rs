//! Processes, by pidfd.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::GUARD;

/// A process, not necessarily a child of this one. Dropping this kills it if it still runs. It is known by its pidfd, so
/// another process with the same number is safe.
#[derive(Debug)]
pub(crate) struct Process(OwnedFd);

impl Process {
    /// The process that has this id now.
    pub(crate) fn new(pid: u32) -> Self {
        let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
        Self(pidfd_open(pid, PidfdFlags::empty()).expect("the process runs"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.0, signal).expect("the process runs");
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) {
        let descriptor = self.0.try_clone().unwrap();
        let timeout = Timespec { tv_sec: GUARD.as_secs().try_into().unwrap(), tv_nsec: 0 };
        let ready = tokio::task::spawn_blocking(move || {
            poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&timeout)).unwrap()
        });
        assert_eq!(ready.await.unwrap(), 1, "a process has not ended");
    }

    pub(crate) fn has_ended(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now)).unwrap() == 1
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // In most tests it has ended already.
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
    }
}
