//! The settings that a fleet decides by.

use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{DEFAULT_INTERVAL, HealthCheck, Schedule, effective_start_period};

use super::finding::OnStall;
use super::give_up::GiveUp;
use super::limits::RunnerLimits;
use super::max_replacing::MaxReplacing;

/// How long a start may take in an app without a `startup_timeout` (S35).
pub(crate) const DEFAULT_STARTUP_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a runner must be ready, in an app without periodic checks, until its start counts as a success (S35).
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The default time from an outcome to the next check, until the first pass (S44a).
pub(crate) const DEFAULT_START_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long an unreachable runner gets to turn out to have exited (S36b). The listener of a process that crashes closes a
/// little before its exit is visible.
pub(super) const EXIT_GRACE: Duration = Duration::from_millis(50);

/// How long the host waits for the exit of a killed process.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a replacement starts before or after the old runner has ended ([S35](fal_health::semantics#s35)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplacementStrategy {
    /// The replacement starts at once, while the old runner ends.
    #[default]
    StartFirst,
    /// The replacement starts when the process of the old runner has ended: for devices that only one process may hold.
    StopFirst,
}

/// When a runner enters the rotation, in an app with periodic checks ([S44](fal_health::semantics#s44)).
/// Without periodic checks every runner enters it when it is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Admission {
    /// After its first passed check.
    #[default]
    FirstPass,
    /// When it is ready.
    Ready,
}

/// The settings of a fleet.
#[derive(Clone, Debug)]
pub(crate) struct FleetSettings {
    /// How many runners there should be in the rotation.
    pub(crate) runners: NonZeroUsize,
    /// How many further ones should be ready (S75).
    pub(crate) spares: usize,
    pub(crate) health: Option<HealthCheck>,
    /// As the app declares it (S8).
    pub(crate) startup_timeout: Option<Duration>,
    pub(crate) grace_period: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) check_interval: Duration,
    pub(crate) admission: Admission,
    /// From an outcome to the next check, until the first pass (S44a).
    pub(crate) start_check_interval: Duration,
    /// From a counted failure to the next check; `None` if ticks apply (S55).
    pub(crate) confirm_interval: Option<Duration>,
    pub(crate) replacement_strategy: ReplacementStrategy,
    /// How long a successor of a rolling restart must be healthy before it replaces the old runner (S52a).
    pub(crate) min_healthy: Duration,
    /// How many replicas may be replaced at a time because of periodic checks (S40).
    pub(crate) max_replacing: MaxReplacing,
    /// The limits at which a runner is replaced (S54).
    pub(crate) limits: RunnerLimits,
    pub(crate) on_stall: OnStall,
    pub(crate) give_up: GiveUp,
    /// The seed of the backoff jitter.
    pub(crate) seed: u64,
}

impl FleetSettings {
    pub(crate) fn new(runners: NonZeroUsize) -> Self {
        Self {
            runners,
            spares: 0,
            health: None,
            startup_timeout: None,
            grace_period: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(30),
            check_interval: DEFAULT_INTERVAL,
            admission: Admission::default(),
            start_check_interval: DEFAULT_START_CHECK_INTERVAL,
            confirm_interval: None,
            replacement_strategy: ReplacementStrategy::default(),
            min_healthy: Duration::ZERO,
            max_replacing: MaxReplacing::Unbounded,
            limits: RunnerLimits::default(),
            on_stall: OnStall::default(),
            give_up: GiveUp::default(),
            seed: 0,
        }
    }

    pub(crate) fn startup_limit(&self) -> Duration {
        self.startup_timeout.unwrap_or(DEFAULT_STARTUP_TIMEOUT)
    }

    pub(crate) fn effective_start_period(&self) -> Option<Duration> {
        self.health.map(|health| effective_start_period(&health, self.startup_timeout))
    }

    /// Whether a runner needs a pass before it takes requests (S44).
    pub(crate) fn awaits_first_pass(&self) -> bool {
        self.has_periodic_checks() && self.admission == Admission::FirstPass
    }

    /// The check times of the runner with this start id.
    pub(crate) fn schedule(&self, start_id: u64) -> Schedule {
        let schedule = Schedule::new(self.check_interval, start_id);
        let schedule =
            self.confirm_interval.map_or(schedule, |interval| schedule.with_confirm_interval(interval));
        if self.awaits_first_pass() {
            schedule.with_start_interval(self.start_check_interval)
        } else {
            schedule
        }
    }

    pub(crate) fn has_periodic_checks(&self) -> bool {
        self.health.is_some_and(|health| health.is_periodic())
    }
}
