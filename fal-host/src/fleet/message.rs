//! The events that a fleet handles and the commands that it returns.

use std::num::NonZeroU64;

use fal_health::protocol::Progress;
use fal_health::{Check, CheckId, Time};

use super::event_kind::EventKind;
use super::exit::Exit;
use super::finding::Finding;
use super::give_up::GaveUp;
use super::order::RunnerOrder;
use super::replica::ReplicaIndex;
use super::rolling_restart::RestartError;
use super::scale::Scale;
use crate::id::RunnerId;

/// What a fleet handles.
#[derive(Clone, Debug)]
pub(crate) enum FleetEvent {
    /// Time has passed: the event of [`Fleet::deadline`](super::Fleet::deadline).
    Elapsed,
    /// The process of a runner was started, which began at `started`.
    Launched { id: RunnerId, pid: Option<u32>, started: Time },
    /// The process of a runner could not be started.
    LaunchFailed { id: RunnerId, error: String },
    /// The process of a runner was not started, because the fleet does not want it any more.
    LaunchDropped { id: RunnerId },
    /// The runner's setup has reported its progress.
    Progress { id: RunnerId, progress: Progress },
    /// The runner's setup has failed with this error; its exit follows.
    SetupFailed { id: RunnerId, error: String },
    /// The runner is not ready yet: what is there instead of what was expected, or why its start takes long.
    NotReady { id: RunnerId, detail: String },
    /// The runner listens for requests.
    Ready { id: RunnerId },
    /// A response of the runner asked for a check (S27).
    ManualRequested { id: RunnerId },
    /// A check has ended.
    CheckFinished { id: RunnerId, check: CheckId, finding: Finding },
    /// The resident memory of the runner's processes, in bytes.
    MemoryMeasured { id: RunnerId, bytes: u64 },
    /// The runner has served as many requests as it may (S54).
    RequestsReached { id: RunnerId },
    /// A runner that left the rotation has no request in flight.
    Drained { id: RunnerId },
    /// The runner has refused two connections of a request: where, and of which one (S39).
    Unreachable { id: RunnerId, refused: String },
    /// A response of the runner asked for its stop (S58).
    StopRequested { id: RunnerId },
    /// An operator orders something for the runner (S87).
    Ordered { id: RunnerId, order: RunnerOrder },
    /// An operator asks for a check of the runner (S87b).
    CheckOrdered { id: RunnerId },
    /// The process of the runner has ended.
    Exited { id: RunnerId, exit: Exit },
    /// Replace every runner, one after another.
    Restart,
    /// Change how many runners there should be.
    Scale(Scale),
    /// Stop the host gracefully (S41).
    Stop,
    /// Stop the host now: kill every process group (S41).
    Kill,
}

impl FleetEvent {
    /// The runner that the launcher reports on, if this event is such a report.
    pub(crate) const fn reported_on(&self) -> Option<RunnerId> {
        match self {
            Self::Progress { id, .. }
            | Self::SetupFailed { id, .. }
            | Self::NotReady { id, .. }
            | Self::Ready { id }
            | Self::Exited { id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// What to do for a fleet.
#[derive(Clone, Debug)]
pub(crate) enum FleetCommand {
    /// Start a process for this runner of this replica, and answer with `Launched` or `LaunchFailed`.
    Launch(RunnerId, ReplicaIndex),
    /// Add the runner to the rotation: send requests to it.
    Route(RunnerId),
    /// Report with `RequestsReached` when the runner, which was just routed, has served this many requests.
    LimitRequests(RunnerId, NonZeroU64),
    /// Remove the runner from the rotation, close its idle connections, and answer with `Drained` when no request is in
    /// flight.
    Unroute(RunnerId),
    /// Dispatch requests to it only if no other runner has a free permit (S38g).
    DispatchLast(RunnerId),
    /// Dispatch requests to it as to any other runner.
    DispatchNormally(RunnerId),
    /// Send SIGTERM.
    Terminate(RunnerId),
    /// Send SIGKILL to the whole process group.
    Kill(RunnerId),
    /// Make a check, and answer with `CheckFinished`.
    StartCheck(RunnerId, Check),
    /// Cancel the check in flight, without an outcome (S21).
    CancelCheck(RunnerId),
    /// Release the permits that wait for a manual check, although it is still to come (S20d).
    ReleasePermits(RunnerId),
    /// The manual check that permits wait for has ended: release them (S30).
    ManualCheckEnded(RunnerId),
    /// The runner has ended: drop all state about it.
    Forget(RunnerId),
    /// Publish this event.
    Emit(RunnerId, EventKind),
    /// A rolling restart has ended: tell those that wait for it.
    RestartEnded(Result<(), RestartError>),
    /// The host stops because its runners do not start: keep this as its outcome.
    GiveUp(GaveUp),
    /// The host was told to stop, and no runner is left.
    Stopped,
}
