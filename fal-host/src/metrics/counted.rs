//! The metrics of a host, put together on the thread that asks for them, which is not the one that makes checks.

use std::sync::Arc;

use fal_health::metrics::{MetricFamily, MetricKind};

use super::fleet::FleetMetrics;
use super::runners::RunnerMetrics;
use crate::RunnerInfo;
use crate::fleet::RunnerState;
use crate::log_loss::LOG_LOSS;
use crate::proxy::Balancer;
use crate::snapshot::Snapshot;
use crate::snapshot_parts::SnapshotParts;
use crate::span_loss::SPAN_LOSS;

/// The states of a runner that has not ended.
const STATES: [RunnerState; 7] = [
    RunnerState::Pending,
    RunnerState::Setup,
    RunnerState::Idle,
    RunnerState::Running,
    RunnerState::Draining,
    RunnerState::Terminating,
    RunnerState::CrashBackoff,
];

/// The names of the verdicts.
const VERDICTS: [&str; 4] = ["unknown", "healthy", "failing", "unhealthy"];

/// What the control thread knows for the metrics.
#[derive(Debug)]
pub(crate) struct Counted {
    /// What it has counted from events.
    events: Vec<MetricFamily>,
    /// What runners have counted.
    of_runners: Arc<RunnerMetrics>,
    /// Without what the balancer knows.
    snapshot: SnapshotParts,
}

impl Counted {
    /// A snapshot without what the balancer knows.
    pub(crate) fn new(metrics: &FleetMetrics, snapshot: SnapshotParts) -> Self {
        Self { events: metrics.families(), of_runners: Arc::clone(metrics.of_runners()), snapshot }
    }

    /// All metrics.
    pub(crate) fn families(self, balancer: &Balancer) -> Vec<MetricFamily> {
        let (mut families, of_runners) = self.into_parts(balancer);
        families.extend(of_runners.families());
        families
    }

    /// The metrics of the host, and those of the runners.
    pub(crate) fn into_parts(self, balancer: &Balancer) -> (Vec<MetricFamily>, Arc<RunnerMetrics>) {
        let snapshot = self.snapshot.into_snapshot().with_requests(balancer);
        let mut families = families_of(&snapshot, balancer.waiting(), balancer.limits().max_multiplexing);
        families.extend(self.events);
        families.extend(balancer.metrics().families());
        families.extend([
            MetricFamily::new(
                MetricKind::Counter,
                "fal_host_log_lines_lost",
                "Log lines that could not be written.",
            )
            .with([], LOG_LOSS.total()),
            MetricFamily::new(
                MetricKind::Counter,
                "fal_host_spans_lost",
                "Spans of the host that could not be sent.",
            )
            .with([], SPAN_LOSS.total()),
        ]);
        (families, self.of_runners)
    }
}

/// What the snapshot shows.
fn families_of(snapshot: &Snapshot, queued: usize, permits_each: u32) -> Vec<MetricFamily> {
    use MetricKind::Gauge;
    let new = MetricFamily::new;
    let runners = &snapshot.runners;
    let count = |is: &dyn Fn(&RunnerInfo) -> bool| runners.iter().filter(|runner| is(runner)).count();
    let mut states = new(Gauge, "fal_app_runners", "Runners, by their state.");
    for state in STATES {
        states.push([("state", &*state.name().to_ascii_lowercase())], count(&|runner| runner.state == state));
    }
    let mut verdicts =
        new(Gauge, "fal_app_runner_verdicts", "Runners with a health check, by the verdict on their health.");
    for verdict in VERDICTS {
        let has_verdict = |runner: &RunnerInfo| {
            runner.health.as_ref().is_some_and(|health| health.verdict.name() == verdict)
        };
        verdicts.push([("verdict", verdict)], count(&has_verdict));
    }
    let serving =
        count(&|runner| !runner.spare && matches!(runner.state, RunnerState::Idle | RunnerState::Running));
    let permits = serving.saturating_mul(usize::try_from(permits_each).unwrap_or(usize::MAX));
    let in_flight: u64 = runners.iter().map(|runner| u64::from(runner.in_flight)).sum();
    vec![
        states,
        verdicts,
        new(Gauge, "fal_app_permits", "Requests that the runners which take requests can work on at a time.")
            .with([], permits),
        new(Gauge, "fal_app_concurrent_requests", "Requests that runners work on.").with([], in_flight),
        new(Gauge, "fal_app_queue_size", "Requests that wait for a runner.").with([], queued),
    ]
}
