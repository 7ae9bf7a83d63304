//! Starts runners, one at a time, so that a host of many checks and stops its runners meanwhile.

use std::sync::Arc;

use super::{Driver, LiveRunner};
use crate::fleet::{FleetEvent, ReplicaIndex};
use crate::id::RunnerId;
use crate::launch::StatusReporter;
use crate::probe::Prober;

impl Driver {
    /// Starts the next runner, if the fleet still wants it.
    pub(super) fn launch_next(&mut self) {
        let Some((id, index)) = self.launches.pop_front() else { return };
        if self.fleet.wants_launch(id) {
            self.launch(id, index);
        } else {
            self.enqueue(self.clock.now(), FleetEvent::LaunchDropped { id });
        }
        self.drain_queue();
    }

    fn launch(&mut self, id: RunnerId, index: ReplicaIndex) {
        let started = self.clock.now();
        let evidence = self.evidence.begin(id);
        let reporter = StatusReporter::new(id, index.get(), self.fleet_events.clone())
            .with_replacement_strategy(self.fleet.replacement_strategy())
            .with_startup_limit(self.fleet.settings().startup_limit())
            .with_metrics(self.metrics.of_runners())
            .with_evidence(Arc::clone(&evidence));
        let event = match self.launcher.launch(id, reporter) {
            Ok(handle) => {
                let pid = handle.pid();
                let target = self.probe_target.clone();
                let interval = self.fleet.settings().check_interval;
                let prober = target.map(|target| {
                    let prober = Prober::new(handle.check_address(), target);
                    Arc::new(prober.with_interval(interval).with_evidence(evidence))
                });
                self.runners.insert(id, LiveRunner { handle, prober, check: None });
                FleetEvent::Launched { id, pid }
            }
            Err(error) => FleetEvent::LaunchFailed { id, error: error.chain() },
        };
        self.enqueue(started, event);
    }
}
