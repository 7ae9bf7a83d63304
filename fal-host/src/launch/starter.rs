//! The threads that start processes, and the processes that they have forked and that execute no program yet.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::orphans::{children_of_threads, has_ended};

/// How the detail of a runner begins that was killed because the system did not execute its program in time.
pub(crate) const NOT_EXECUTED: &str = "the system has not executed";

/// What to do about a program that the system does not execute.
pub(crate) fn advice(program: &impl Display) -> String {
    format!("its file system may not answer (NFS, FUSE): see whether `ls -l {program}` returns")
}

/// A thread that starts processes. It waits for as long as the system takes to execute a program, so another thread may have to
/// end that.
#[derive(Clone, Debug, Default)]
pub(crate) struct StarterThread(Arc<OnceLock<i32>>);

impl StarterThread {
    /// This thread is the one.
    pub(crate) fn begin(&self) {
        #[cfg(target_os = "linux")]
        let _ = self.0.set(rustix::thread::gettid().as_raw_nonzero().get());
    }

    /// The child processes of the thread that have not been reaped. Empty where the system does not tell.
    pub(crate) fn children(&self) -> Vec<Pid> {
        let thread = self.0.get();
        thread.map(|thread| children_of_threads(getpid(), |it| it == *thread)).unwrap_or_default()
    }

    /// Those that have not ended, without the ones that the thread had earlier.
    pub(crate) fn new_children(&self, earlier: &[Pid]) -> Vec<Pid> {
        let mut children = self.children();
        children.retain(|child| !earlier.contains(child) && !has_ended(*child));
        children
    }

    /// Kills these. Until the thread goes on, it reaps none of them.
    pub(crate) fn kill_new_children(&self, earlier: &[Pid]) {
        for child in self.new_children(earlier) {
            let _ = kill_process(child, Signal::KILL);
        }
    }
}
