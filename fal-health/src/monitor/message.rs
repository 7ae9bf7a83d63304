//! What a monitor is told, and what it tells its caller to do.

use crate::{Check, CheckId, Outcome};

/// What happened to a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The runner is ready: it serves requests from now on ([S11](crate::semantics#s11)).
    Ready,
    /// A response of the runner asked for a check ([S27](crate::semantics#s27)).
    ManualRequested,
    /// A check ended. Ignored unless this check is in flight ([S21](crate::semantics#s21)).
    Finished {
        /// The id of the check.
        check: CheckId,
        /// What the check showed.
        outcome: Outcome,
    },
    /// Time has passed. To be sent at [`Monitor::deadline`](super::Monitor::deadline); earlier or later is harmless.
    Elapsed,
    /// Make the next periodic check now, unless a check is in flight: what its outcome decides is not to be decided by an older
    /// one ([S40f](crate::semantics#s40f)).
    CheckNow,
    /// The runner starts draining or is told to stop. The monitor gives no command after this
    /// ([S11](crate::semantics#s11), [S21](crate::semantics#s21)).
    Stopping,
}

/// What the caller of a monitor must do.
///
/// The caller has to carry out every command. So this enum is exhaustive: a new command is a compile error in callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make this check now, and report its end with [`Event::Finished`].
    Start(Check),
    /// The runner is unhealthy: replace it. Repeated at every further failure until a check passes or
    /// [`Event::Stopping`], because a runner whose replacement is deferred is still checked
    /// ([S40](crate::semantics#s40)).
    Unhealthy(Unhealthy),
}

/// Why a runner is unhealthy. Exhaustive, as it is part of a [`Command`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unhealthy {
    /// This many counted failures in a row, which is the threshold or more ([S24](crate::semantics#s24)).
    Streak(u32),
    /// A manual check failed ([S25](crate::semantics#s25)).
    ManualCheckFailed,
}
