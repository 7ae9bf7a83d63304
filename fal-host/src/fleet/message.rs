use fal_health::protocol::Progress;
use fal_health::{Check, CheckId, CheckRecord, Outcome};
use std::time::Duration;

use super::{Exit, Reason, RunnerRecord};
use crate::RunnerId;

/// What the fleet is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Time has passed: sent at [`Fleet::deadline`](super::Fleet::deadline).
    Elapsed,
    /// The process of a runner has been started.
    Launched { id: RunnerId, pid: Option<u32> },
    /// It could not be started.
    LaunchFailed { id: RunnerId, error: String },
    /// The runner's setup says how far it is.
    Progress { id: RunnerId, progress: Progress },
    /// The runner's setup says why it failed; its exit follows.
    SetupFailed { id: RunnerId, error: String },
    /// The runner listens.
    Ready { id: RunnerId },
    /// A response of the runner asked for a check (S27).
    ManualRequested { id: RunnerId },
    /// A check has an outcome. `stalled`: the requests of the runner have stood still for so long meanwhile.
    CheckFinished { id: RunnerId, check: CheckId, outcome: Outcome, stalled: Option<Duration> },
    /// Nothing is in flight on a runner that left the rotation.
    Drained { id: RunnerId },
    /// The runner refused a request's connection twice (S39).
    Unreachable { id: RunnerId },
    /// The runner's process has ended.
    Exited { id: RunnerId, exit: Exit },
    /// Every runner is to be replaced, one after another.
    Restart,
    /// The host is to stop (S41).
    Stop,
    /// The host is to stop now: every group is killed (S41).
    Kill,
}

/// What the fleet wants done.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Start a process for this runner, and say `Launched` or `LaunchFailed`.
    Launch(RunnerId),
    /// Send requests to it from now on.
    Route(RunnerId),
    /// Send no more requests to it, close idle connections, and say `Drained` when nothing is in flight.
    Unroute(RunnerId),
    /// Send SIGTERM.
    Terminate(RunnerId),
    /// Send SIGKILL to its whole process group.
    Kill(RunnerId),
    /// Make a check.
    StartCheck(RunnerId, Check),
    /// Give up the check that is being made, without an outcome (S21).
    DropCheck(RunnerId),
    /// Slots that wait for a manual check are given back; its answer is not (S20).
    ReleaseSlots(RunnerId),
    /// The manual check that slots wait for has ended (S30).
    ManualCheckEnded(RunnerId),
    /// The runner is gone: forget all about it.
    Forget(RunnerId),
    /// Tell people.
    Emit(RunnerId, Happening),
    /// No runner is left of a fleet that was told to stop.
    Stopped,
}

/// Something that happened to a runner. Every transition is one of these.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// `PENDING → SETUP`: its process runs.
    Started {
        /// The process, where there is one of its own.
        pid: Option<u32>,
        /// The start period that counts (S8); none without a health check.
        effective_start_period: Option<Duration>,
    },
    /// Its setup says how far it is.
    Progress(Progress),
    /// `SETUP → IDLE`: it takes requests.
    Ready {
        /// From the start of its process.
        after: Duration,
    },
    /// A check has an outcome.
    Checked(CheckRecord),
    /// It answers checks, but the runtime that serves its requests stands still. Said once until that has moved again.
    Stalled {
        /// Since it last showed that it runs.
        since: Duration,
    },
    /// It is unhealthy and has to wait until fewer are being replaced (S40).
    WaitsToBeReplaced {
        /// How many are being replaced.
        replacing: usize,
    },
    /// It left the rotation, to finish what it has before it is told to stop.
    Draining {
        /// Why.
        reason: Reason,
        /// How long at most.
        timeout: Duration,
    },
    /// It was told to stop.
    Terminating {
        /// Why.
        reason: Reason,
        /// How long it may take before it is killed.
        grace_period: Duration,
    },
    /// Its grace period has passed: its whole process group was killed.
    Killed,
    /// Not even that has ended its process. The host goes on without it.
    Abandoned,
    /// Its process has ended.
    Terminated(RunnerRecord),
    /// `→ CRASH_BACKOFF`: its start is held because earlier ones failed (S35).
    Held {
        /// How long.
        wait: Duration,
        /// Failed starts in a row.
        failed_starts: u32,
    },
    /// Its start failed, so the runners that were still to be replaced by plan stay as they are.
    RestartGivenUp,
}
