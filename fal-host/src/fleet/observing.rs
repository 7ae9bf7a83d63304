//! What others get to see of a fleet.

use std::sync::Arc;

use fal_health::Time;

use super::Fleet;
use super::record::RunnerRecord;
use super::runner::Runner;
use crate::id::RunnerId;

/// A runner as it is at one moment, whatever becomes of it later.
#[derive(Clone, Debug)]
pub(crate) struct ObservedRunner {
    pub(crate) runner: Arc<Runner>,
    pub(crate) is_spare: bool,
    /// How many starts of its replica have failed in a row, if it waits for that reason.
    pub(crate) failed_starts: u32,
}

impl Fleet {
    /// The runners that have not ended, by id. Copies none of them.
    pub(crate) fn observe(&self) -> Vec<ObservedRunner> {
        self.runners.shared().map(|runner| self.observed(runner)).collect()
    }

    /// A runner that has not ended.
    pub(crate) fn observe_runner(&self, id: RunnerId) -> Option<ObservedRunner> {
        self.runners.shared().find(|runner| runner.id() == id).map(|runner| self.observed(runner))
    }

    /// Whether any runner has ever passed a check.
    pub(crate) fn has_passed(&self) -> bool {
        self.has_passed
    }

    /// While no runner is in the rotation: the first one that may come into it, and since when it is in its state.
    pub(crate) fn awaited(&self) -> Option<(&Runner, Time)> {
        let runner = self.runners.values().find(|runner| runner.reason().is_none())?;
        Some((runner, runner.steps().last().map_or(runner.started(), |step| step.at)))
    }

    /// The records of the last runners that ended, oldest first, at most [`MAX_RECORDS`](super::MAX_RECORDS).
    pub(crate) fn records(&self) -> impl Iterator<Item = &Arc<RunnerRecord>> {
        self.records.iter()
    }

    fn observed(&self, runner: &Arc<Runner>) -> ObservedRunner {
        let waits = runner.backoff_until().is_some();
        let replica = self.replicas.get(&runner.index()).filter(|_| waits);
        ObservedRunner {
            runner: Arc::clone(runner),
            is_spare: self.is_spare(runner),
            failed_starts: replica.map_or(0, |replica| replica.backoff.failures()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use fal_health::Time;

    use super::*;
    use crate::fleet::{FleetEvent, FleetSettings, RunnerState};

    #[test]
    fn what_was_observed_stays_when_the_fleet_changes() {
        let (mut fleet, _) = Fleet::start(Time::ZERO, FleetSettings::new(NonZeroUsize::MIN));
        let before = fleet.observe().remove(0).runner;
        let id = before.id();
        fleet.handle(Time::ZERO, FleetEvent::Launched { id, pid: Some(7), started: Time::ZERO });
        let after = fleet.observe_runner(id).unwrap().runner;
        assert_eq!((before.state(), before.pid()), (RunnerState::Pending, None));
        assert_eq!((after.state(), after.pid()), (RunnerState::Setup, Some(7)));
    }
}
