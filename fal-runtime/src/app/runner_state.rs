//! How far the runner in this process has come.

use std::sync::atomic::{AtomicU8, Ordering};

/// How far a runner has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunnerState {
    /// `setup` runs; nothing listens yet.
    Setup,
    /// Requests are served.
    Running,
    /// The runner was told to stop: `handle_exit` was called, calls may still run, `teardown` follows.
    Terminating,
}

/// A process is the runner of one app at most.
static STATE: AtomicU8 = AtomicU8::new(RunnerState::Running as u8);

/// How far this runner has come.
///
/// A long call asks it to end early when its runner is told to stop. In a process that is no runner, such as a test or
/// a program that serves [`router`](crate::router) by itself, it is always [`RunnerState::Running`].
pub fn runner_state() -> RunnerState {
    match STATE.load(Ordering::Relaxed) {
        0 => RunnerState::Setup,
        1 => RunnerState::Running,
        _ => RunnerState::Terminating,
    }
}

#[cfg(feature = "cli")]
pub(crate) fn set(state: RunnerState) {
    STATE.store(state as u8, Ordering::Relaxed);
}
