//! What the host's handle and its admin interface ask of the driver.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::details::RunnerDetails;
use crate::evidence::Evidence;
use crate::fleet::{RestartError, Scale, ScaleTarget};
use crate::id::RunnerId;
use crate::metrics::Counted;
use crate::snapshot::{HostStatus, Snapshot};

/// A request to the driver.
#[derive(Debug)]
pub(crate) enum ControlRequest {
    /// Replace all runners, and tell this sender how that ended.
    Restart(Option<oneshot::Sender<Result<(), RestartError>>>),
    /// Change the number of runners, and tell this sender how many there should be then.
    Scale(Scale, Option<oneshot::Sender<ScaleTarget>>),
    Stop,
    Kill,
    Status(oneshot::Sender<HostStatus>),
    /// Without what the balancer knows.
    Snapshot(oneshot::Sender<Snapshot>),
    /// Without what the balancer knows.
    Metrics(oneshot::Sender<Counted>),
    /// What is known of one runner; `None` if it is unknown.
    Details(RunnerId, oneshot::Sender<Option<RunnerDetails>>),
    /// What is kept of one runner, which changes while it runs.
    Evidence(RunnerId, oneshot::Sender<Option<Arc<Evidence>>>),
}
