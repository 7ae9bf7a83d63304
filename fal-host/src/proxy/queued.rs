//! A request in the queue, as the balancer sees it.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::runner::ServingRunner;

/// A request in the queue.
#[derive(Debug)]
pub(super) struct QueuedRequest {
    /// Since when it waits.
    pub(super) since: Instant,
    /// Where the runner of its permit is sent to.
    pub(super) runner: oneshot::Sender<Arc<ServingRunner>>,
}
