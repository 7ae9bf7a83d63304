//! The threads that start processes, and the processes that they have forked and that execute no program yet.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::orphans::{children_of_threads, has_ended};

/// How the detail of a runner begins that was killed because the system did not execute its program in time.
pub(crate) const NOT_EXECUTED: &str = "the system has not executed";

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

    /// The child processes of the thread that have not ended, without these. Empty where the system does not tell.
    pub(crate) fn children(&self, without: &BTreeSet<u32>) -> Vec<Pid> {
        let Some(thread) = self.0.get() else { return Vec::new() };
        let mut children = children_of_threads(getpid(), |it| it == *thread);
        children.retain(|child| !without.contains(&child.as_raw_nonzero().get().unsigned_abs()));
        children.retain(|child| !has_ended(*child));
        children
    }

    /// Kills these child processes of the thread. Until the thread goes on, it reaps none of them.
    pub(crate) fn kill_children(&self, without: &BTreeSet<u32>) {
        for child in self.children(without) {
            let _ = kill_process(child, Signal::KILL);
        }
    }
}
