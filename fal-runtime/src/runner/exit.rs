//! How a runner ended, and the exit codes of its process.

use std::process::ExitCode;

/// How a runner ended. [`as_runner`](crate::as_runner) documents the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: told to stop, and everything was done.
    Stopped,
    /// 1: it could not start or not listen. If `setup` had succeeded, `teardown` was called.
    NotStarted,
    /// 3: `setup` returned an error or panicked.
    SetupFailed,
    /// 4: told to stop, and the limit passed before everything was done. `teardown` was skipped or cut short.
    CutShort,
    /// 5: told to stop, and `teardown` returned an error or panicked.
    TeardownFailed,
    /// 6: a check that a response asked for failed, and everything else was done (S68b).
    ManualCheckFailed,
    /// 128 plus the number of the signal: told to stop during `setup`, or told a second time at the terminal.
    Signalled(StopSignal),
}

/// A signal that tells a runner to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT, which Ctrl-C sends.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Stopped => 0,
            Exit::NotStarted => 1,
            Exit::SetupFailed => 3,
            Exit::CutShort => 4,
            Exit::TeardownFailed => 5,
            Exit::ManualCheckFailed => 6,
            Exit::Signalled(StopSignal::Interrupt) => 130,
            Exit::Signalled(StopSignal::Terminate) => 143,
        })
    }
}
