use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{DEFAULT_INTERVAL, HealthCheck, effective_start_period};

/// How long a start may take where the app declares no `startup_timeout` (S35).
pub(crate) const PLATFORM_STARTUP_TIMEOUT: Duration = Duration::from_secs(600);

/// How long an app without periodic checks has to be ready before it has proved itself (S35).
pub(crate) const PROOF_WITHOUT_CHECKS: Duration = Duration::from_secs(60);

/// How long a killed process may take to end before nobody waits for it any more.
pub(crate) const KILLED_LIMIT: Duration = Duration::from_secs(5);

/// Whether a replacement runs beside the runner that it replaces (S35).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Replacement {
    /// It starts at once, beside the one that ends.
    #[default]
    Beside,
    /// It starts when the other's process has ended: for devices that only one may hold.
    Exclusive,
}

/// What the fleet decides by.
#[derive(Clone, Debug)]
pub(crate) struct FleetSettings {
    pub(crate) runners: NonZeroUsize,
    pub(crate) health: Option<HealthCheck>,
    /// As the app declares it (S8).
    pub(crate) startup_timeout: Option<Duration>,
    pub(crate) grace_period: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) check_interval: Duration,
    pub(crate) replacement: Replacement,
    /// How many may be replaced because of periodic verdicts at a time; none: any number (S40).
    pub(crate) max_replacing: Option<NonZeroUsize>,
    /// Of the backoff's jitter.
    pub(crate) seed: u64,
}

impl FleetSettings {
    pub(crate) fn new(runners: NonZeroUsize) -> Self {
        Self {
            runners,
            health: None,
            startup_timeout: None,
            grace_period: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(30),
            check_interval: DEFAULT_INTERVAL,
            replacement: Replacement::default(),
            max_replacing: None,
            seed: 0,
        }
    }

    pub(crate) fn startup_limit(&self) -> Duration {
        self.startup_timeout.unwrap_or(PLATFORM_STARTUP_TIMEOUT)
    }

    pub(crate) fn effective_start_period(&self) -> Option<Duration> {
        self.health.map(|health| effective_start_period(&health, self.startup_timeout))
    }

    pub(crate) fn has_periodic_checks(&self) -> bool {
        self.health.is_some_and(|health| health.is_periodic())
    }
}
