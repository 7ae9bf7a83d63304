//! How the driver answers requests.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{ControlRequest, Driver};
use crate::client_policy::ClientPolicy;
use crate::details::RunnerDetails;
use crate::fleet::{EventKind, FleetEvent, Scale, ScaleTarget};
use crate::metrics::Counted;
use crate::open_files::OpenFiles;
use crate::snapshot_parts::{HostStatus, SnapshotParts, Sources};

impl Driver {
    pub(super) fn on_request(&mut self, request: Option<ControlRequest>) {
        // Without a handle nothing could ever stop the host, so it ends.
        self.handle_dropped = request.is_none();
        match request {
            Some(ControlRequest::Restart { id, waiter }) => {
                let number = self.restarts.requested(waiter);
                if let Some(id) = id {
                    let _ = id.send(number);
                }
                self.handle(FleetEvent::Restart);
            }
            Some(ControlRequest::RestartProgress(number, reply)) => {
                let _ = reply.send(self.restarts.progress(number));
            }
            Some(ControlRequest::Order(id, order, reply)) => {
                let accepted = self.fleet.accepts(id, order);
                let _ = reply.send(accepted);
                if accepted.is_ok() {
                    tracing::info!(runner = %id, "an operator ordered: {}", order.name());
                    self.handle(FleetEvent::Ordered { id, order });
                }
            }
            Some(ControlRequest::Check(id, reply)) => {
                let accepted = self.fleet.accepts_check(id);
                let _ = reply.send(accepted);
                if accepted.is_ok() {
                    self.balancer.operator_asks(id);
                    self.handle(FleetEvent::CheckOrdered { id });
                }
            }
            Some(ControlRequest::Pause(paused, reply)) => {
                self.set_paused(paused);
                if let Some(reply) = reply {
                    let _ = reply.send(());
                }
            }
            Some(ControlRequest::Scale(scale, reply)) => self.on_scale(scale, reply),
            #[cfg(feature = "cli")]
            Some(ControlRequest::Publish(kind)) => self.publish(kind),
            Some(ControlRequest::Stop) => self.handle(FleetEvent::Stop),
            Some(ControlRequest::Kill) | None => {
                self.handle(FleetEvent::Kill);
                self.kill_launch();
            }
            Some(ControlRequest::Status(reply)) => {
                let _ = reply.send(self.status());
            }
            Some(ControlRequest::Snapshot(reply)) => {
                let _ = reply.send(self.snapshot());
            }
            Some(ControlRequest::Metrics(reply)) => {
                let _ = reply.send(Counted::new(&self.metrics, self.snapshot()));
            }
            Some(ControlRequest::Details(id, reply)) => {
                let details = RunnerDetails::of(id, self.sources());
                // On a thread for calls that block, not on the one that checks runners (S85b).
                tokio::task::spawn_blocking(|| {
                    let _ = reply.send(details.map(RunnerDetails::measured));
                });
            }
            Some(ControlRequest::Evidence(id, reply)) => {
                let _ = reply.send(self.evidence.of(id).cloned());
            }
        }
    }

    fn set_paused(&mut self, paused: bool) {
        let paused_for = self.balancer.paused_since().map(|since| since.elapsed());
        self.balancer.set_paused(paused);
        match (paused_for, paused) {
            (None, true) => self.publish(EventKind::Paused { before: Duration::ZERO }),
            (Some(after), false) => self.publish(EventKind::Resumed { after }),
            (None, false) | (Some(_), true) => {}
        }
    }

    fn snapshot(&self) -> SnapshotParts {
        SnapshotParts::of(self.sources(), self.status(), self.upgrade.clone())
    }

    /// What a snapshot is made of.
    pub(super) fn sources(&self) -> Sources<'_> {
        let Self { fleet, clock, balancer, evidence, .. } = self;
        let launching = self.launching.as_ref().map(|launch| launch.id);
        Sources { fleet, clock, balancer, evidence, launching, probe_target: self.probe_target.as_deref() }
    }

    fn status(&self) -> HostStatus {
        // A host that retires closes connections, too, and its service is as ready as before.
        let retires = *self.client_policy.borrow() == ClientPolicy::Retire;
        let stopping = self.fleet.is_stopping() || (self.balancer.closes_connections() && !retires);
        let paused = self.balancer.is_paused();
        HostStatus { ready: self.fleet.is_ready() && !stopping && !paused, stopping, paused }
    }

    fn on_scale(&mut self, scale: Scale, reply: Option<oneshot::Sender<ScaleTarget>>) {
        let before = self.fleet.scale_target();
        self.handle(FleetEvent::Scale(scale));
        let target = self.fleet.scale_target();
        if target != before {
            tracing::info!(
                runners = target.runners,
                before = before.runners,
                "the number of runners was changed"
            );
            let permits = NonZeroU32::new(self.balancer.limits().max_multiplexing).unwrap_or(NonZeroU32::MIN);
            let files = OpenFiles::of(target.runners.saturating_add(target.spares), permits);
            self.balancer.set_max_clients(files.clients());
        }
        if let Some(reply) = reply {
            let _ = reply.send(target);
        }
    }
}
