//! Starts runners, one at a time, while the host checks and stops other runners (S61).

use std::sync::Arc;

use super::launch_in_flight::LaunchInFlight;
use super::launch_thread::LaunchResult;
use super::{Driver, LiveRunner};
use crate::fleet::{FleetEvent, ReplicaIndex};
use crate::id::RunnerId;
use crate::launch::StatusReporter;
use crate::probe::Prober;

impl Driver {
    /// Whether the next runner can be started, or is not wanted any more.
    pub(super) fn is_launch_due(&self) -> bool {
        let next = self.launches.front();
        next.is_some_and(|(id, _)| self.launching.is_none() || !self.fleet.wants_launch(*id))
    }

    /// Starts the next runner, if the fleet still wants it.
    pub(super) fn launch_next(&mut self) {
        let Some((id, index)) = self.launches.pop_front() else { return };
        if self.fleet.wants_launch(id) {
            self.launch(id, index);
        } else {
            self.handle(FleetEvent::LaunchDropped { id });
        }
    }

    fn launch(&mut self, id: RunnerId, index: ReplicaIndex) {
        let started = self.clock.now();
        let evidence = self.evidence.begin(id);
        let reporter = StatusReporter::new(id, index.get(), self.fleet_events.clone())
            .with_replacement_strategy(self.fleet.replacement_strategy())
            .with_startup_limit(self.fleet.settings().startup_limit())
            .with_metrics(self.metrics.of_runners())
            .with_evidence(Arc::clone(&evidence));
        self.launching = Some(LaunchInFlight { id, started, evidence, reports: Vec::new() });
        self.launch_thread.launch(id, reporter);
    }

    /// A launch has ended.
    pub(super) fn on_launched(&mut self, result: LaunchResult) {
        let Some(LaunchInFlight { id, started, evidence, reports }) = self.launching.take() else { return };
        let event = match result {
            Ok(handle) => {
                let pid = handle.pid();
                let target = self.probe_target.clone();
                let interval = self.fleet.settings().check_interval;
                let prober = target.map(|target| {
                    let prober = Prober::new(handle.check_address(), target);
                    Arc::new(prober.with_interval(interval).with_evidence(evidence))
                });
                self.runners.insert(id, LiveRunner { handle, prober, check: None });
                FleetEvent::Launched { id, pid, started }
            }
            Err(error) => FleetEvent::LaunchFailed { id, error: error.chain() },
        };
        self.handle(event);
        for report in reports {
            self.handle(report);
        }
    }

    /// The host ends. If a launch is in flight, it is killed as soon as it has started (S61c).
    pub(super) fn abandon_launch(&self) {
        if let Some(LaunchInFlight { id, .. }) = &self.launching {
            tracing::warn!(runner = %id, "the host ends while a process starts, which takes too long: it is killed later");
        }
    }

    /// An event of a runner or a check has arrived.
    pub(super) fn on_event(&mut self, event: FleetEvent) {
        match &mut self.launching {
            Some(launch) if event.reported_on() == Some(launch.id) => launch.reports.push(event),
            _ => self.handle(event),
        }
    }
}
