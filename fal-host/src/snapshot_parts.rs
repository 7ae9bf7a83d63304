//! What the control thread gives for a snapshot. It copies little, because it makes the checks.

use std::sync::Arc;
use std::time::Duration;

use fal_health::Time;

use crate::clock::Clock;
use crate::ended_info::EndedInfo;
use crate::evidence::{Evidence, EvidenceStore};
use crate::fleet::{Fleet, ObservedRunner, RestartStatus, RunnerRecord, ScaleTarget};
use crate::id::RunnerId;
use crate::latency::LatencyTotal;
use crate::probe::ProbeTarget;
use crate::proxy::Balancer;
use crate::snapshot::{RunnerInfo, Snapshot};
use crate::upgrade_status::UpgradeStatus;

/// What a snapshot is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) clock: &'a Clock,
    pub(crate) balancer: &'a Balancer,
    pub(crate) evidence: &'a EvidenceStore,
    pub(crate) probe_target: Option<&'a ProbeTarget>,
    /// The runner whose start is under way.
    pub(crate) launching: Option<RunnerId>,
}

/// Whether a host takes requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostStatus {
    /// Whether any runner takes requests, and the host neither stops nor is paused.
    pub(crate) ready: bool,
    /// Whether the host is stopping, or has announced that.
    pub(crate) stopping: bool,
    /// Whether every request waits in the queue.
    pub(crate) paused: bool,
}

/// What the control thread knows at one moment, shared with it.
#[derive(Debug)]
pub(crate) struct SnapshotParts {
    status: HostStatus,
    scale: ScaleTarget,
    startup_limit: Duration,
    restart: Option<RestartStatus>,
    upgrade: Option<UpgradeStatus>,
    launching: Option<RunnerId>,
    clock: Clock,
    now: Time,
    runners: Vec<(ObservedRunner, Option<Arc<Evidence>>)>,
    ended: Vec<(Arc<RunnerRecord>, Option<Arc<Evidence>>)>,
}

impl SnapshotParts {
    pub(crate) fn of(sources: Sources<'_>, status: HostStatus, upgrade: Option<UpgradeStatus>) -> Self {
        let Sources { fleet, clock, evidence, launching, .. } = sources;
        Self {
            status,
            scale: fleet.scale_target(),
            startup_limit: fleet.settings().startup_limit(),
            restart: fleet.restart_status(),
            upgrade,
            launching,
            clock: clock.clone(),
            now: clock.now(),
            runners: fleet
                .observe()
                .into_iter()
                .map(|observed| {
                    let kept = evidence.of(observed.runner.id()).cloned();
                    (observed, kept)
                })
                .collect(),
            ended: fleet
                .records()
                .map(|record| (Arc::clone(record), evidence.of(record.id).cloned()))
                .collect(),
        }
    }

    /// The snapshot without what the balancer knows. Takes a while if there are many runners.
    pub(crate) fn into_snapshot(self) -> Snapshot {
        let Self { status, scale, startup_limit, restart, upgrade, launching, clock, now, runners, ended } =
            self;
        Snapshot {
            ready: status.ready,
            stopping: status.stopping,
            max_multiplexing: 0,
            queued: 0,
            queued_for: None,
            queue_cause: None,
            startup_limit,
            latency: LatencyTotal::default(),
            paused: false,
            paused_since: None,
            lost_log_lines: None,
            lost_spans: None,
            notes: Vec::new(),
            scale,
            runners: runners
                .iter()
                .map(|(observed, kept)| RunnerInfo::of(observed, now, kept.as_ref()).behind(launching))
                .collect(),
            restart,
            upgrade,
            ended: ended
                .iter()
                .map(|(record, kept)| EndedInfo::of(record, &clock, kept.as_deref()))
                .collect(),
        }
    }
}
