//! What the host's handle and its admin interface ask of the driver.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::restarts::{RestartOutcome, RestartProgress};
use crate::details::RunnerDetails;
use crate::evidence::Evidence;
#[cfg(feature = "cli")]
use crate::fleet::EventKind;
use crate::fleet::{OrderError, RunnerOrder, Scale, ScaleTarget};
use crate::id::RunnerId;
use crate::metrics::Counted;
use crate::snapshot_parts::{HostStatus, SnapshotParts};

/// A request to the driver.
#[derive(Debug)]
pub(crate) enum ControlRequest {
    /// Replace all runners. The first sender gets the number of this restart, the second one its outcome.
    Restart {
        id: Option<oneshot::Sender<u64>>,
        waiter: Option<oneshot::Sender<RestartOutcome>>,
    },
    /// How far the restart with this number is. `None` if it is unknown.
    RestartProgress(u64, oneshot::Sender<Option<RestartProgress>>),
    /// What an operator orders for a runner.
    Order(RunnerId, RunnerOrder, oneshot::Sender<Result<(), OrderError>>),
    /// Make a manual check of a runner.
    Check(RunnerId, oneshot::Sender<Result<(), OrderError>>),
    /// Whether requests wait from now on.
    Pause(bool, Option<oneshot::Sender<()>>),
    /// Change the number of runners, and tell this sender how many there should be then.
    Scale(Scale, Option<oneshot::Sender<ScaleTarget>>),
    /// Publish an event of the host itself.
    #[cfg(feature = "cli")]
    Publish(EventKind),
    Stop,
    Kill,
    Status(oneshot::Sender<HostStatus>),
    Snapshot(oneshot::Sender<SnapshotParts>),
    /// Without what the balancer knows.
    Metrics(oneshot::Sender<Counted>),
    /// What is known of one runner; `None` if it is unknown.
    Details(RunnerId, oneshot::Sender<Option<RunnerDetails>>),
    /// What is kept of one runner, which changes while it runs.
    Evidence(RunnerId, oneshot::Sender<Option<Arc<Evidence>>>),
}
