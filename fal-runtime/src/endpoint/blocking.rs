//! Runs blocking endpoints off the async threads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::health_threads::HealthThreads;
use crate::answer::{Reply, ResponseHead};
use crate::error::Error;
use crate::server::CallGuard;

/// Where blocking functions run.
#[derive(Clone, Debug)]
pub(super) enum ExecutionLane {
    /// On the runtime's pool. As many run there as there are places (S38).
    Pool,
    /// On a thread that no request uses (S14).
    Health(Arc<HealthThreads>),
}

/// A blocking call of an endpoint, its types erased.
pub(super) type Work = Box<dyn FnOnce(&mut ResponseHead) -> Result<Reply, Error> + Send>;

/// What a blocking call leaves: its head, whatever became of it, and its result, or what it panicked with.
type Done = (ResponseHead, Result<Result<Reply, Error>, Box<dyn Any + Send>>);

/// Runs it there. When this future is dropped the work goes on, with its place, until it returns (S38).
pub(super) async fn run(
    work: Work,
    lane: ExecutionLane,
    place: CallGuard,
    head: &mut ResponseHead,
) -> Result<Reply, Error> {
    let work = move || -> Done {
        // Given back when the call has returned, however it did.
        let _place = place;
        let mut head = ResponseHead::default();
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut head)));
        (head, result)
    };
    let (left, result) = match lane {
        ExecutionLane::Pool => tokio::task::spawn_blocking(work).await?,
        ExecutionLane::Health(threads) => threads.run(work).await?,
    };
    *head = left;
    // On with it to where every panic of an endpoint is caught.
    result.unwrap_or_else(|panic| resume_unwind(panic))
}
