//! What a runner does in its life, decided when it starts.

use std::time::Duration;

use fal_health::Time;

use super::super::chance::Chance;
use super::super::simulation::{millis, seconds};
use crate::fleet::Reason;

/// How the start of a runner goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    Takes(Duration),
    FailsAfter(Duration),
    Hangs,
    /// No process can be started.
    CannotLaunch,
}

/// What goes wrong with a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Crash,
    /// Its checks are not answered.
    Hang,
    FailChecks,
    /// Half of its checks fail.
    Flap,
    /// Its requests hold all of its permits.
    Wedge,
    /// Its request runtime does not run.
    Stall,
    /// Its memory grows.
    Leak,
    /// A response asks for a check, which fails.
    FailManualCheck,
    /// A response asks for its stop.
    RequestStop,
    RefuseConnections,
}

const FAULTS: [Fault; 10] = [
    Fault::Crash,
    Fault::Hang,
    Fault::FailChecks,
    Fault::Flap,
    Fault::Wedge,
    Fault::Stall,
    Fault::Leak,
    Fault::FailManualCheck,
    Fault::RequestStop,
    Fault::RefuseConnections,
];

impl Fault {
    /// Whether it may be why a runner ended.
    pub(super) fn explains(self, reason: Reason) -> bool {
        match self {
            Self::Crash => reason == Reason::Exited,
            Self::Hang | Self::FailChecks | Self::Flap | Self::Wedge | Self::Stall => {
                reason == Reason::Unhealthy
            }
            Self::Leak => reason == Reason::Memory,
            // A spare gets no manual check, and fails those that it gets.
            Self::FailManualCheck => matches!(reason, Reason::ManualCheckFailed | Reason::Unhealthy),
            Self::RequestStop => reason == Reason::Requested,
            Self::RefuseConnections => reason == Reason::Unreachable,
        }
    }
}

/// The life of one runner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) setup: Setup,
    /// What goes wrong, and how long after readiness.
    pub(super) fault: Option<(Duration, Fault)>,
    /// When it has served as many requests as it may.
    pub(super) serves_for: Duration,
    pub(super) drains_in: Duration,
    /// From SIGTERM to its exit. May exceed the grace period.
    pub(super) stops_in: Duration,
    /// From SIGKILL to its exit. May exceed the time for which the host waits.
    pub(super) dies_in: Duration,
}

impl Life {
    /// A life in which something goes wrong, sooner or later.
    pub(super) fn random(chance: &mut Chance, scale: Duration) -> Self {
        let fault = (!chance.one_in(4)).then(|| (within(chance, scale / 2), chance.of(&FAULTS)));
        let setup = match chance.below(100) {
            0 => Setup::CannotLaunch,
            1 | 2 => Setup::FailsAfter(within(chance, seconds(20))),
            3 => Setup::Hangs,
            4..=7 => Setup::Takes(seconds(40) + within(chance, seconds(15))),
            _ => Setup::Takes(seconds(1) + within(chance, seconds(10))),
        };
        Self {
            setup,
            fault,
            serves_for: scale / 8 + within(chance, scale),
            drains_in: if chance.one_in(50) { seconds(60) } else { within(chance, seconds(3)) },
            stops_in: if chance.one_in(20) { seconds(60) } else { within(chance, seconds(2)) },
            dies_in: if chance.one_in(4) { seconds(20) } else { millis(1) },
        }
    }

    /// A life in which nothing goes wrong.
    pub(super) fn good(chance: &mut Chance) -> Self {
        Self {
            setup: Setup::Takes(seconds(1) + within(chance, seconds(10))),
            fault: None,
            serves_for: Duration::MAX / 2,
            drains_in: within(chance, seconds(3)),
            stops_in: within(chance, seconds(2)),
            dies_in: millis(1),
        }
    }
}

/// A runner that lives.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each records one command or event")]
pub(super) struct Living {
    pub(super) life: Life,
    pub(super) index: usize,
    pub(super) has_process: bool,
    pub(super) started: Time,
    /// The fault that it has, and since when.
    pub(super) fault: Option<(Fault, Time)>,
    pub(super) routed: bool,
    pub(super) was_routed: bool,
    pub(super) passed: bool,
    pub(super) drained_since: Option<Time>,
    pub(super) terminated: Option<(Time, Reason)>,
    pub(super) killed: bool,
    pub(super) check: Option<fal_health::CheckId>,
}

impl Living {
    pub(super) fn new(life: Life, index: usize, now: Time) -> Self {
        Self {
            life,
            index,
            has_process: false,
            started: now,
            fault: None,
            routed: false,
            was_routed: false,
            passed: false,
            drained_since: None,
            terminated: None,
            killed: false,
            check: None,
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.drained_since.is_some() || self.terminated.is_some() || self.killed
    }
}

/// A random time up to this one.
pub(super) fn within(chance: &mut Chance, most: Duration) -> Duration {
    let most = usize::try_from(most.as_millis()).unwrap().max(1);
    millis(chance.below(most).try_into().unwrap())
}
