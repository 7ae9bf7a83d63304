use fal_health::protocol::Progress;
use fal_health::{Monitor, Time};
use serde::Serialize;

use super::Reason;
use crate::RunnerId;

/// What a runner is doing (S37). Its health is not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunnerState {
    /// Its process is being started.
    Pending,
    /// Its process runs and is not ready.
    Setup,
    /// Ready, with nothing in flight.
    Idle,
    /// Ready, with requests in flight.
    Running,
    /// It takes no more requests and finishes those in flight.
    Draining,
    /// It was told to stop.
    Terminating,
    /// Its process has ended.
    Terminated,
    /// Its start is held because earlier ones failed.
    CrashBackoff,
}

impl RunnerState {
    /// The state's name, as logs and the admin interface spell it.
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

/// Which of the fleet's places a runner fills. A runner and its replacement share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(super) usize);

/// One runner, as the fleet knows it.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(super) id: RunnerId,
    pub(super) place: Place,
    pub(super) phase: Phase,
    pub(super) pid: Option<u32>,
    /// When its process was started; when it came into being, until then.
    pub(super) started: Time,
    /// None in an app without a health check, and before there is a process.
    pub(super) monitor: Option<Monitor>,
    /// Whether its start can no longer fail (S35).
    pub(super) proven: bool,
    pub(super) progress: Option<Progress>,
    /// Why it ends, once that is ordered. The first reason wins (S36).
    pub(super) reason: Option<Reason>,
    pub(super) detail: Option<String>,
    /// Whether it is said already that it waits to be replaced (S40).
    pub(super) waits: bool,
    /// Whether it is said already that its requests stand still.
    pub(super) stalled: bool,
    /// Its entry among the fleet's timers.
    pub(super) timer: Option<Time>,
}

/// The states of S37 with what each has to remember; IDLE and RUNNING are one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    CrashBackoff {
        until: Time,
    },
    Pending,
    Setup {
        until: Time,
    },
    /// `proven_at`: when readiness alone will have proved it, in an app without periodic checks.
    Ready {
        proven_at: Option<Time>,
    },
    Draining {
        until: Time,
    },
    Terminating {
        kill_at: Time,
    },
    /// `until`: when it is given up.
    Killed {
        until: Time,
    },
}

impl Runner {
    pub(super) fn new(id: RunnerId, place: Place, now: Time, phase: Phase) -> Self {
        Self {
            id,
            place,
            phase,
            pid: None,
            started: now,
            monitor: None,
            proven: false,
            progress: None,
            reason: None,
            detail: None,
            waits: false,
            stalled: false,
            timer: None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    /// When the fleet has to look at it again.
    pub(super) fn deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::CrashBackoff { until }
            | Phase::Setup { until }
            | Phase::Draining { until }
            | Phase::Terminating { kill_at: until }
            | Phase::Killed { until } => Some(until),
            Phase::Pending => None,
            Phase::Ready { proven_at } => {
                let checked = self.monitor.as_ref().and_then(Monitor::deadline);
                [proven_at, checked].into_iter().flatten().min()
            }
        }
    }

    pub(crate) fn id(&self) -> RunnerId {
        self.id
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

    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Its state, given whether it has requests in flight: only that tells IDLE from RUNNING.
    pub(crate) fn state(&self, in_flight: u32) -> RunnerState {
        match self.phase {
            Phase::CrashBackoff { .. } => RunnerState::CrashBackoff,
            Phase::Pending => RunnerState::Pending,
            Phase::Setup { .. } => RunnerState::Setup,
            Phase::Ready { .. } if in_flight == 0 => RunnerState::Idle,
            Phase::Ready { .. } => RunnerState::Running,
            Phase::Draining { .. } => RunnerState::Draining,
            Phase::Terminating { .. } | Phase::Killed { .. } => RunnerState::Terminating,
        }
    }
}
