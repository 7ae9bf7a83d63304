//! What the host's handle and its admin interface ask of the driver.

use std::sync::Arc;

use fal_health::metrics::MetricFamily;
use tokio::sync::oneshot;

use crate::details::RunnerDetails;
use crate::evidence::Evidence;
use crate::fleet::RestartError;
use crate::id::RunnerId;
use crate::snapshot::Snapshot;

/// What the host's handle and its admin interface ask of the driver.
#[derive(Debug)]
pub(crate) enum ControlRequest {
    /// Replace all runners, and tell this sender how that ended.
    Restart(Option<oneshot::Sender<Result<(), RestartError>>>),
    Stop,
    Kill,
    Snapshot(oneshot::Sender<Snapshot>),
    Metrics(oneshot::Sender<Vec<MetricFamily>>),
    /// What is known of one runner; `None` if it is unknown.
    Details(RunnerId, oneshot::Sender<Option<RunnerDetails>>),
    /// What is kept of one runner, which changes while it runs.
    Evidence(RunnerId, oneshot::Sender<Option<Arc<Evidence>>>),
}
