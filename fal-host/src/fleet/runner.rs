//! One runner as the fleet knows it, and the states that it passes through.

use std::time::Duration;

use fal_health::protocol::Progress;
use fal_health::{Monitor, Time};
use serde::Serialize;

use super::limits::RunnerLimits;
use super::record::Reason;
use super::refusal::Refusal;
use super::replica::ReplicaIndex;
use super::step::{Step, StepKind};
use crate::id::RunnerId;

/// The state of a runner ([S37](fal_health::semantics#s37)). Its health is not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum RunnerState {
    /// The host is starting its process.
    Pending,
    /// Its process runs, and it is not in the rotation yet: its setup has not finished, or it waits for its first pass.
    Setup,
    /// Ready, with no request in flight.
    Idle,
    /// Ready, with requests in flight.
    Running,
    /// It takes no new requests and finishes those in flight.
    Draining,
    /// It was sent SIGTERM or SIGKILL.
    Terminating,
    /// Its process has ended.
    Terminated,
    /// Its start waits because earlier starts failed.
    CrashBackoff,
}

impl RunnerState {
    /// The state with this number of requests in flight, which alone distinguishes IDLE from RUNNING.
    pub(crate) fn with_requests(self, in_flight: u32) -> Self {
        if self == Self::Idle && in_flight > 0 { Self::Running } else { self }
    }

    /// The name of the state in logs and the admin interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Setup => "SETUP",
            Self::Idle => "IDLE",
            Self::Running => "RUNNING",
            Self::Draining => "DRAINING",
            Self::Terminating => "TERMINATING",
            Self::Terminated => "TERMINATED",
            Self::CrashBackoff => "CRASH_BACKOFF",
        }
    }
}

/// One runner as the fleet knows it.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(super) id: RunnerId,
    pub(super) replica: ReplicaIndex,
    pub(super) phase: Phase,
    /// Its phases until now.
    pub(super) steps: Vec<Step>,
    /// Whether it is in the rotation. Otherwise it is not ready, or a spare (S75).
    pub(super) routed: bool,
    pub(super) pid: Option<u32>,
    /// When its process started; until then, when the fleet created it.
    pub(super) started: Time,
    /// `None` in an app without a health check, and before its process has started.
    pub(super) monitor: Option<Monitor>,
    /// Whether its start counts as a success (S35).
    pub(super) stable: bool,
    pub(super) progress: Option<Progress>,
    /// Why it ends, once that is decided. The first reason wins (S36).
    pub(super) reason: Option<Reason>,
    pub(super) detail: Option<String>,
    /// What keeps it from being ready (S49c).
    pub(super) not_ready: Option<String>,
    /// The number of its deferral, while it is unhealthy and waits to be replaced (S40).
    pub(super) deferral: Option<u64>,
    /// Whether requests are dispatched to it last, because its last counted check failed (S38g).
    pub(super) dispatched_last: bool,
    /// How long its request runtime had been stalled at the last check that reported it. `None` while it runs.
    pub(super) stalled: Option<Duration>,
    /// How long its oldest request had been in progress at the last check that reported it.
    pub(super) oldest_request: Option<Duration>,
    pub(super) refusal: Option<Refusal>,
    /// At which memory, age and number of requests it is replaced (S54).
    pub(super) limits: RunnerLimits,
    /// How long it took to start, if that was longer than its limit on age (S54f).
    pub(super) late_start: Option<Duration>,
    /// The resident memory of its processes when it was measured last, in bytes.
    pub(super) memory: Option<u64>,
    /// The same when it was measured first since it is ready.
    pub(super) first_memory: Option<u64>,
    /// The limit that it has reached, for which it will be replaced.
    pub(super) due: Option<Reason>,
    /// In a successor of a rolling restart: how long it must still be healthy (S52a).
    pub(super) min_healthy: Option<MinHealthy>,
    /// Its entry among the fleet's timers.
    pub(super) timer: Option<Time>,
}

/// The states of S37 with the deadline of each. IDLE and RUNNING are one phase.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    CrashBackoff {
        until: Time,
    },
    /// `until`: when the fleet of a host that stops forgets it, although its start has not ended.
    Pending {
        until: Option<Time>,
    },
    Setup {
        until: Time,
    },
    /// SETUP, ready, until its first pass admits it (S44).
    AwaitingFirstPass,
    /// `stable_at`: when its start counts as a success, in an app without periodic checks.
    Ready {
        stable_at: Option<Time>,
    },
    Draining {
        until: Time,
    },
    Terminating {
        kill_at: Time,
    },
    /// `until`: when the fleet abandons it, or says that it waits for its end.
    Killed {
        until: Option<Time>,
    },
}

impl Phase {
    /// The step that begins with this phase.
    const fn step(self) -> Option<StepKind> {
        Some(match self {
            Self::CrashBackoff { .. } => StepKind::CrashBackoff,
            Self::Pending { .. } => StepKind::Pending,
            Self::Setup { .. } => StepKind::Setup,
            Self::AwaitingFirstPass => StepKind::AwaitingFirstPass,
            // The fleet says whether it is a spare.
            Self::Ready { .. } => return None,
            Self::Draining { .. } => StepKind::Draining,
            Self::Terminating { .. } => StepKind::Terminating,
            Self::Killed { .. } => StepKind::Killed,
        })
    }
}

/// The minimum healthy time of a successor in a rolling restart (S52a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MinHealthy {
    /// It begins at the next pass.
    NotHealthy,
    /// It ends then.
    Until(Time),
}

impl Runner {
    pub(super) fn new(id: RunnerId, replica: ReplicaIndex, now: Time, phase: Phase) -> Self {
        Self {
            id,
            replica,
            phase,
            steps: phase.step().map(|kind| Step { kind, at: now }).into_iter().collect(),
            routed: false,
            pid: None,
            started: now,
            monitor: None,
            stable: false,
            progress: None,
            reason: None,
            detail: None,
            not_ready: None,
            deferral: None,
            dispatched_last: false,
            stalled: None,
            oldest_request: None,
            refusal: None,
            limits: RunnerLimits::default(),
            late_start: None,
            memory: None,
            first_memory: None,
            due: None,
            min_healthy: None,
            timer: None,
        }
    }

    /// Changes its phase.
    pub(super) fn enter(&mut self, phase: Phase, now: Time) {
        self.phase = phase;
        if let Some(kind) = phase.step() {
            self.begin_step(kind, now);
        }
    }

    /// Keeps a step. One that waits longer for the end of a killed process takes no new one.
    pub(super) fn begin_step(&mut self, kind: StepKind, now: Time) {
        if self.steps.last().is_none_or(|last| last.kind != kind) {
            self.steps.push(Step { kind, at: now });
        }
    }

    /// Whether it is in the rotation.
    pub(super) fn is_routed(&self) -> bool {
        self.routed
    }

    /// Whether it is in the rotation, or a spare that could be.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    /// When the fleet has to act on it next.
    pub(super) fn deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::CrashBackoff { until }
            | Phase::Setup { until }
            | Phase::Draining { until }
            | Phase::Terminating { kill_at: until } => Some(until),
            Phase::Pending { until } | Phase::Killed { until } => until,
            Phase::AwaitingFirstPass => self.check_due(),
            Phase::Ready { stable_at } => {
                let min_healthy = match self.min_healthy {
                    Some(MinHealthy::Until(until)) => Some(until),
                    Some(MinHealthy::NotHealthy) | None => None,
                };
                let unreachable_at = self.refusal.as_ref().map(|refusal| refusal.until);
                [stable_at, min_healthy, unreachable_at, self.age_limit(), self.check_due()]
                    .into_iter()
                    .flatten()
                    .min()
            }
        }
    }

    /// When it reaches its greatest age, unless it will be replaced already (S54).
    pub(super) fn age_limit(&self) -> Option<Time> {
        self.limits.age.filter(|_| self.due.is_none()).map(|age| self.started + age)
    }

    /// Whether its last counted check failed.
    pub(super) fn is_failing(&self) -> bool {
        self.monitor.as_ref().is_some_and(|monitor| monitor.streak() > 0)
    }

    /// Whether any check of it has passed.
    pub(super) fn has_passed(&self) -> bool {
        self.monitor.as_ref().is_some_and(Monitor::has_passed)
    }

    fn check_due(&self) -> Option<Time> {
        self.monitor.as_ref().and_then(Monitor::deadline)
    }

    /// Whether it is ready and waits for its first pass (S44b).
    pub(crate) fn awaits_first_pass(&self) -> bool {
        matches!(self.phase, Phase::AwaitingFirstPass)
    }

    /// Whether it has yet to be healthy for the minimum healthy time of a rolling restart (S52a).
    pub(crate) fn awaits_min_healthy(&self) -> bool {
        self.min_healthy.is_some()
    }

    pub(crate) fn id(&self) -> RunnerId {
        self.id
    }

    /// The index of its replica.
    pub(crate) fn index(&self) -> ReplicaIndex {
        self.replica
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    pub(crate) fn started(&self) -> Time {
        self.started
    }

    pub(crate) fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_ref()
    }

    /// How long its request runtime had been stalled at the last check that reported it. `None` while it runs.
    pub(crate) fn stalled(&self) -> Option<Duration> {
        self.stalled
    }

    /// How long its oldest request had been in progress at the last check that reported it.
    pub(crate) fn oldest_request(&self) -> Option<Duration> {
        self.oldest_request
    }

    /// The resident memory of its processes when it was measured last, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// The limit that it has reached, for which it will be replaced.
    pub(crate) fn due(&self) -> Option<Reason> {
        self.due
    }

    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// What it went through, with the current step.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Why it ends or will end, once that is decided.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// More about the reason.
    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref().or(self.not_ready.as_deref())
    }

    /// Whether its replacement waits, because enough others are under way (S40).
    pub(crate) fn is_deferred(&self) -> bool {
        self.deferral.is_some()
    }

    /// How long it waits for its start, after failed starts.
    pub(crate) fn backoff_until(&self) -> Option<Time> {
        let Phase::CrashBackoff { until } = self.phase else { return None };
        Some(until)
    }

    /// Its state without requests in flight.
    pub(crate) fn state(&self) -> RunnerState {
        match self.phase {
            Phase::CrashBackoff { .. } => RunnerState::CrashBackoff,
            Phase::Pending { .. } => RunnerState::Pending,
            Phase::Setup { .. } | Phase::AwaitingFirstPass => RunnerState::Setup,
            Phase::Ready { .. } => RunnerState::Idle,
            Phase::Draining { .. } => RunnerState::Draining,
            Phase::Terminating { .. } | Phase::Killed { .. } => RunnerState::Terminating,
        }
    }
}
