use std::process::ExitCode;

/// How a runner's life ended. Its code is what the process exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: told to stop, and all was done.
    Stopped,
    /// 1: it could not begin, or not listen; `teardown` was called where `setup` had succeeded.
    NotStarted,
    /// 3: `setup` returned an error or panicked.
    SetupFailed,
    /// 4: told to stop, and something was not done within the grace period; `teardown` was skipped or cut short.
    CutShort,
    /// 5: told to stop; `teardown` returned an error or panicked.
    TeardownFailed,
    /// 128 and the signal's number, 143 for SIGTERM: told to stop during `setup`, or told twice from the terminal.
    Signalled(Signalled),
}

/// The signals that stop a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signalled {
    Interrupt,
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
            Exit::Signalled(Signalled::Interrupt) => 130,
            Exit::Signalled(Signalled::Terminate) => 143,
        })
    }
}
