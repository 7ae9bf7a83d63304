//! The phase of the runner that this process is, for the app's own code.

use std::sync::atomic::{AtomicU8, Ordering};

/// A phase in the life of a runner, as the app's own code sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunnerPhase {
    /// `setup` runs, and nothing listens yet.
    Setup,
    /// Requests are served.
    Running,
    /// The runner was told to stop: `handle_exit` was called, calls may still run, and `teardown` follows.
    Terminating,
}

/// A process is the runner of at most one app.
static PHASE: AtomicU8 = AtomicU8::new(RunnerPhase::Running as u8);

/// The phase of this runner.
///
/// A long call may read it to end early when the runner is told to stop. In a process that is not a runner, such as a
/// test or a program that serves [`router`](crate::router) itself, it is always [`RunnerPhase::Running`].
pub fn runner_phase() -> RunnerPhase {
    match PHASE.load(Ordering::Relaxed) {
        0 => RunnerPhase::Setup,
        1 => RunnerPhase::Running,
        _ => RunnerPhase::Terminating,
    }
}

#[cfg(feature = "cli")]
pub(crate) fn set(phase: RunnerPhase) {
    PHASE.store(phase as u8, Ordering::Relaxed);
}
