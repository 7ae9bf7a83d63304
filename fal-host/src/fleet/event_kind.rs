//! What the host publishes about a runner.

use std::time::Duration;

use fal_health::CheckRecord;
use fal_health::protocol::Progress;

use super::failure_cause::FailureCause;
use super::give_up::GaveUp;
use super::record::{Reason, RunnerRecord};

/// What happened to a runner. Every state transition is one of these.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// `PENDING → SETUP`: its process has started.
    #[non_exhaustive]
    Started {
        /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)).
        index: usize,
        /// Its process, if it has one of its own.
        pid: Option<u32>,
        /// The start period that counts ([S8](fal_health::semantics#s8)). `None` in an app without a health
        /// check.
        effective_start_period: Option<Duration>,
    },
    /// Its setup has reported progress.
    Progress(Progress),
    /// It is ready, and takes requests after its first passed check ([S44b](fal_health::semantics#s44b)).
    #[non_exhaustive]
    AwaitingFirstPass {
        /// The time since the start of its process.
        after: Duration,
    },
    /// It takes requests. `SETUP → IDLE`, unless it was a spare.
    #[non_exhaustive]
    Ready {
        /// The time since the start of its process.
        after: Duration,
    },
    /// `SETUP → IDLE`: it is ready and takes no requests, because it is a spare ([S75](fal_health::semantics#s75)).
    #[non_exhaustive]
    StandsBy {
        /// The time since the start of its process.
        after: Duration,
    },
    /// It was a spare and takes the place of a runner that has left the rotation ([S75b](fal_health::semantics#s75b)).
    /// [`Ready`](Self::Ready) follows.
    #[non_exhaustive]
    Promoted {
        /// The index of the replica that becomes a spare for it.
        replaces: usize,
    },
    /// A check has ended.
    Checked(CheckRecord),
    /// It answers checks, but its request runtime is stalled. Published once until the runtime runs again.
    #[non_exhaustive]
    Stalled {
        /// The time since the request runtime last ran.
        since: Duration,
    },
    /// It is unhealthy, but its replacement waits until fewer runners are being replaced
    /// ([S40](fal_health::semantics#s40)).
    #[non_exhaustive]
    ReplacementDeferred {
        /// How many runners are being replaced.
        replacing: usize,
    },
    /// It has reached a limit on its memory, its age or its requests, or an operator has ordered it: it will be replaced
    /// ([S54](fal_health::semantics#s54), [S87a](fal_health::semantics#s87a)).
    #[non_exhaustive]
    ReplacementDue {
        /// `memory`, `age` or `requests`, or else `operator`.
        reason: Reason,
        /// What was measured, and its limit ([S54g](fal_health::semantics#s54g)).
        detail: Option<String>,
    },
    /// It had reached a limit as soon as it was ready, and its successor would, too. Its own limit is higher now
    /// ([S54e](fal_health::semantics#s54e), [S54f](fal_health::semantics#s54f)).
    #[non_exhaustive]
    LimitTooLow {
        /// `memory` or `age`.
        reason: Reason,
        /// What was measured, its limit until then, and what to do.
        detail: String,
    },
    /// It has left the rotation and finishes its requests before it gets SIGTERM.
    #[non_exhaustive]
    Draining {
        /// Why it ends.
        reason: Reason,
        /// How long it may drain.
        timeout: Duration,
    },
    /// It was sent SIGTERM.
    #[non_exhaustive]
    Terminating {
        /// Why it ends.
        reason: Reason,
        /// More about the reason ([S119](fal_health::semantics#s119)).
        detail: Option<String>,
        /// The time until SIGKILL.
        grace_period: Duration,
    },
    /// Its whole process group was sent SIGKILL.
    Killed,
    /// Its process has survived SIGKILL. The host continues without it.
    Abandoned,
    /// Its process has survived SIGKILL. Its successor starts when it has ended (S60).
    KillOutlived,
    /// Its process has ended.
    Terminated(RunnerRecord),
    /// `→ CRASH_BACKOFF`: its start waits because earlier starts failed ([S35](fal_health::semantics#s35)).
    #[non_exhaustive]
    BackoffStarted {
        /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)).
        index: usize,
        /// How long it waits.
        wait: Duration,
        /// Failed starts in a row.
        failed_starts: u32,
    },
    /// `CRASH_BACKOFF → PENDING`: its wait is over, and its process starts.
    BackoffEnded,
    /// Its start failed, like those before it, and the host stops (S48).
    GaveUp(GaveUp),
    /// The rolling restart that started it has replaced every runner ([S52](fal_health::semantics#s52)). If all that it started
    /// were scaled away, this is about another runner.
    #[non_exhaustive]
    RestartCompleted {
        /// How many runners it has replaced.
        replaced: usize,
    },
    /// Requests wait in the queue from now on ([S87c](fal_health::semantics#s87c)). This and the following ones are events of
    /// the host and not of a runner.
    #[non_exhaustive]
    Paused {
        /// For how long the host before this one was paused (S90b). Zero if an operator has paused this one.
        before: Duration,
    },
    /// Requests are dispatched again.
    #[non_exhaustive]
    Resumed {
        /// How long the host was paused.
        after: Duration,
    },
    /// The host has started a new version of its program, which is to take over
    /// ([S90](fal_health::semantics#s90)).
    #[non_exhaustive]
    UpgradeStarted {
        /// The process of the new host.
        pid: u32,
    },
    /// The new host serves, and this one stops when its clients have left ([S92](fal_health::semantics#s92)).
    #[non_exhaustive]
    UpgradeCompleted {
        /// The process of the new host.
        pid: u32,
    },
    /// The new host has not begun to serve, or was not started. This one goes on.
    #[non_exhaustive]
    UpgradeFailed {
        /// Why.
        detail: String,
    },
    /// It failed, which ends the rolling restart that started it. The runners that the restart has not replaced stay
    /// ([S52](fal_health::semantics#s52)).
    #[non_exhaustive]
    RestartAborted {
        /// Why it ends.
        reason: Reason,
        /// Why it failed.
        cause: FailureCause,
    },
}

impl EventKind {
    /// The name of the kind in the admin interface ([S86a](fal_health::semantics#s86a)).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Progress(_) => "progress",
            Self::AwaitingFirstPass { .. } => "awaiting_first_pass",
            Self::Ready { .. } => "ready",
            Self::Checked(_) => "checked",
            Self::Stalled { .. } => "stalled",
            Self::ReplacementDeferred { .. } => "replacement_deferred",
            Self::ReplacementDue { .. } => "replacement_due",
            Self::LimitTooLow { .. } => "limit_too_low",
            Self::Draining { .. } => "draining",
            Self::Terminating { .. } => "terminating",
            Self::Killed => "killed",
            Self::Abandoned => "abandoned",
            Self::KillOutlived => "kill_outlived",
            Self::Terminated(_) => "terminated",
            Self::BackoffStarted { .. } => "backoff_started",
            Self::BackoffEnded => "backoff_ended",
            Self::GaveUp(_) => "gave_up",
            Self::RestartCompleted { .. } => "restart_completed",
            Self::StandsBy { .. } => "stands_by",
            Self::Promoted { .. } => "promoted",
            Self::RestartAborted { .. } => "restart_aborted",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::UpgradeStarted { .. } => "upgrade_started",
            Self::UpgradeCompleted { .. } => "upgrade_completed",
            Self::UpgradeFailed { .. } => "upgrade_failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn kinds_have_the_names_by_which_clients_choose_them_s86a() {
        let after = Duration::ZERO;
        let kinds = [
            EventKind::Ready { after },
            EventKind::AwaitingFirstPass { after },
            EventKind::Promoted { replaces: 0 },
            EventKind::Killed,
            EventKind::RestartCompleted { replaced: 1 },
        ];
        let names = ["ready", "awaiting_first_pass", "promoted", "killed", "restart_completed"];
        assert_eq!(kinds.map(|kind| kind.name()), names);
    }
}
