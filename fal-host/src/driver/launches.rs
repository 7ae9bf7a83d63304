//! Starts runners, one at a time, while the host checks and stops other runners (S61).

use std::sync::Arc;
use std::time::Duration;

use fal_health::Time;

use super::launch_in_flight::{LaunchInFlight, not_executed};
use super::launch_thread::LaunchResult;
use super::{Driver, LiveRunner};
use crate::amounts::duration;
use crate::fleet::{FleetEvent, ReplicaIndex};
use crate::id::RunnerId;
use crate::launch::{NOT_EXECUTED, StatusReporter};
use crate::probe::Prober;

/// How often the host kills a process that is being started and that may not have been forked yet.
const BETWEEN_KILLS: Duration = Duration::from_millis(100);

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
        let limit = self.fleet.settings().startup_limit();
        self.launching = Some(LaunchInFlight::new(id, started, limit, evidence));
        self.launch_thread.launch(id, reporter);
    }

    /// When to act, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Time> {
        let look = self.launching.as_ref().map(|launch| launch.look);
        self.fleet.deadline().into_iter().chain(look).min()
    }

    pub(super) fn on_deadline(&mut self) {
        self.look_at_launch();
        self.handle(FleetEvent::Elapsed);
    }

    /// Says that a launch takes long (S61d). Kills its process when a start may take no longer (S61e).
    fn look_at_launch(&mut self) {
        let (now, limit) = (self.clock.now(), self.fleet.settings().startup_limit());
        let waiting = self.launches.len();
        let Some(launch) = self.launching.as_mut().filter(|launch| launch.look <= now) else { return };
        if launch.is_unwanted {
            self.launch_thread.kill_unstarted();
            launch.look = now + BETWEEN_KILLS;
            return;
        }
        let (id, unstarted) = (launch.id, self.launch_thread.unstarted());
        let detail = match unstarted {
            Some((program, _)) if now.since(launch.started) >= limit => {
                let limit = duration(limit);
                tracing::warn!(runner = %id, "PENDING: {NOT_EXECUTED} {program} within {limit}: its process is killed");
                self.launch_thread.kill_unstarted();
                let detail = not_executed(program);
                launch.killed = Some(detail.clone());
                detail
            }
            _ => {
                let hint = launch.hint(unstarted, waiting, now);
                tracing::warn!(runner = %id, "PENDING: {hint}");
                hint
            }
        };
        launch.looked(now, limit);
        self.handle(FleetEvent::NotReady { id, detail });
    }

    /// Kills the process that is being started, as soon as there is one (S61c).
    pub(super) fn kill_launch(&mut self) {
        let now = self.clock.now();
        if let Some(launch) = &mut self.launching {
            (launch.is_unwanted, launch.look) = (true, now);
        }
    }

    /// A launch has ended.
    pub(super) fn on_launched(&mut self, result: LaunchResult) {
        let Some(launch) = self.launching.take() else { return };
        let LaunchInFlight { id, started, evidence, killed, reports, .. } = launch;
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
        if let Some(detail) = killed {
            // It is not ready in time, whether the end of its process is among the reports or not.
            self.handle(FleetEvent::NotReady { id, detail });
            self.handle(FleetEvent::Elapsed);
        }
        for report in reports {
            self.handle(report);
        }
    }

    /// The host ends. If a launch is in flight, its process is killed (S61c).
    pub(super) fn abandon_launch(&self) {
        if let Some(LaunchInFlight { id, .. }) = &self.launching {
            tracing::warn!(runner = %id, "the host ends before this runner has started: it waits no longer for the start");
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
