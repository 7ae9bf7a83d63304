//! How a request gets a permit: its position in the queue, its deadline, and the wait itself.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::balancer::{Acquired, Balancer, QueueLimit};
use super::client_address::ClientAddress;
use super::error::ProxyError;
use super::loss::Loss;
use super::permit::Permit;
use super::permits::{Arrival, Priority};
use super::runner::ServingRunner;

/// How often a request may move to another runner (S39).
const MAX_MOVES: u8 = 10;

/// A request's position among the others. It keeps this position when it moves to another runner (S39).
#[derive(Debug, Default)]
pub(super) struct QueuePosition {
    /// Whose requests share the permits with it (S38i).
    client: ClientAddress,
    /// Set when the request first asks for a permit.
    arrival: Option<Arrival>,
    /// Set when the request first waits for anything. Most requests never wait, and read no clock.
    deadline: Option<Instant>,
    moves: u8,
    waited: Duration,
    /// Since when it waits in the queue.
    waiting: Option<Instant>,
    /// How a runner has lost the request, if one has.
    lost: Option<Loss>,
}

impl QueuePosition {
    pub(super) fn new(client: ClientAddress) -> Self {
        Self { client, ..Self::default() }
    }

    /// A runner has lost the request, which is sent once more: it may wait as long as a new one (S59a).
    pub(super) const fn begin_again(&mut self, lost: Loss) {
        self.deadline = None;
        self.lost = Some(lost);
    }

    /// How a runner has lost the request, if one has.
    pub(super) const fn lost(&self) -> Option<Loss> {
        self.lost
    }

    /// When the request got its permit, which it has just got. `None`: as soon as it asked for the first one.
    pub(super) fn granted_at(&self) -> Option<Instant> {
        (self.deadline.is_some() || self.lost.is_some()).then(Instant::now)
    }

    /// How long the request has waited in the queue so far, with the wait that has been given up last.
    pub(super) fn waited(&self) -> Duration {
        self.waited + self.waiting.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// When the request's time in the queue is over.
    pub(super) fn deadline(&mut self, queue_timeout: Duration) -> Instant {
        *self.deadline.get_or_insert_with(|| Instant::now() + queue_timeout)
    }

    /// Counts a move: the request was given to a runner that did not take it.
    pub(super) const fn move_on(&mut self) -> Result<(), ProxyError> {
        if self.moves == MAX_MOVES {
            return Err(ProxyError::TooManyMoves { moves: MAX_MOVES });
        }
        self.moves += 1;
        Ok(())
    }

    /// Acquires a permit: at once if one is free, or after a wait in the queue. Dropping the future leaves the queue.
    pub(super) async fn acquire(&mut self, balancer: &Arc<Balancer>) -> Result<Permit, ProxyError> {
        let has_moved = self.moves > 0 || self.lost.is_some();
        let priority = if has_moved { Priority::Moved } else { Priority::Usual };
        self.acquire_with(priority, balancer).await
    }

    /// As [`acquire`](Self::acquire), for a request of which only a beginning has arrived (S56c).
    pub(super) async fn acquire_early(&mut self, balancer: &Arc<Balancer>) -> Result<Permit, ProxyError> {
        self.acquire_with(Priority::Low, balancer).await
    }

    async fn acquire_with(
        &mut self,
        priority: Priority,
        balancer: &Arc<Balancer>,
    ) -> Result<Permit, ProxyError> {
        // A wait has been given up, because the body has arrived (S56c).
        self.end_wait();
        let has_asked = self.arrival.is_some() || self.moves > 0;
        let limit = if has_asked { QueueLimit::Exempt } else { QueueLimit::Applies };
        let waiter = match balancer.acquire(self.client, &mut self.arrival, priority, limit) {
            Acquired::Permit(runner) => {
                return Ok(Permit::granted(Arc::clone(balancer), runner, self.client));
            }
            Acquired::Queued(arrival, since, runner) => {
                self.waiting = Some(since);
                Waiter { balancer: Arc::clone(balancer), arrival, runner }
            }
            Acquired::QueueFull(cause) => {
                return Err(ProxyError::QueueFull { limit: balancer.limits().queue, cause });
            }
            Acquired::Stopping => return Err(ProxyError::HostStopping),
        };
        let timeout = balancer.limits().queue_timeout;
        let acquired = timeout_at(self.deadline(timeout), waiter).await;
        self.end_wait();
        acquired.unwrap_or_else(|_| {
            Err(ProxyError::QueueTimeout { after: timeout, cause: balancer.wait_cause() })
        })
    }

    fn end_wait(&mut self) {
        self.waited = self.waited();
        self.waiting = None;
    }
}

/// A request in the queue. Dropping it leaves the queue.
#[derive(Debug)]
struct Waiter {
    balancer: Arc<Balancer>,
    arrival: Arrival,
    runner: oneshot::Receiver<Arc<ServingRunner>>,
}

impl Future for Waiter {
    type Output = Result<Permit, ProxyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The balancer drops a waiting request's sender when the host stops (S41), or to make room for one that goes first.
        let runner = ready!(Pin::new(&mut self.runner).poll(cx));
        let permit =
            runner.map(|runner| Permit::granted(Arc::clone(&self.balancer), runner, self.arrival.client()));
        Poll::Ready(permit.map_err(|_| self.balancer.why_removed()))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.balancer.cancel(self.arrival);
        // A permit that was sent and not received is released.
        self.runner.close();
        if let Ok(runner) = self.runner.try_recv() {
            drop(Permit::granted(Arc::clone(&self.balancer), runner, self.arrival.client()));
        }
    }
}
