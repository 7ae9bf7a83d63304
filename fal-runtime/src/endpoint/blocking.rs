//! Runs blocking endpoints off the async threads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::health_threads::HealthThreads;
use super::span::in_this_context;
use crate::answer::{Reply, ResponseHead};
use crate::error::Error;
use crate::server::CallGuard;

/// Where a blocking function runs.
#[derive(Clone, Debug)]
pub(super) enum ExecutionLane {
    /// On tokio's blocking pool. The concurrency limit bounds how many run there (S38).
    Pool,
    /// On a thread for health checks only (S14).
    Health(Arc<HealthThreads>),
}

/// A blocking call of an endpoint, with its types erased.
pub(super) type Work = Box<dyn FnOnce(&mut ResponseHead) -> Result<Reply, Error> + Send>;

/// The outcome of a blocking call: the response head, the result or the panic, and its place.
type Done = (ResponseHead, Result<Result<Reply, Error>, Box<dyn Any + Send>>, CallGuard);

/// Runs a blocking call, and gives its place back. If this future is dropped, the call runs on and keeps its permit until it
/// returns (S38).
pub(super) async fn run(
    work: Work,
    lane: ExecutionLane,
    place: CallGuard,
    head: &mut ResponseHead,
) -> Result<(Reply, CallGuard), Error> {
    let work = in_this_context(move || -> Done {
        let mut head = ResponseHead::default();
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut head)));
        (head, result, place)
    });
    let (left, result, place) = match lane {
        ExecutionLane::Pool => tokio::task::spawn_blocking(work).await?,
        ExecutionLane::Health(threads) => threads.run(work).await?,
    };
    *head = left;
    // The dispatcher catches every panic of an endpoint.
    let reply = result.unwrap_or_else(|panic| resume_unwind(panic))?;
    Ok((reply, place))
}
