use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::balancer::Balancer;
use super::refusal::Refusal;
use super::slot::Slot;
use super::slots::Arrival;

/// How often a request may move to another runner (S39).
const MAX_MOVES: u8 = 10;

/// A request's place among the others, which it keeps when it moves to another runner (S39).
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Given when it first asks for a slot.
    pub(super) arrival: Option<Arrival>,
    /// Set when it first has to wait for anything: most never do, and need no clock.
    deadline: Option<Instant>,
    moves: u8,
}

impl Turn {
    /// When the request has waited long enough.
    pub(super) fn deadline(&mut self, queue_timeout: Duration) -> Instant {
        *self.deadline.get_or_insert_with(|| Instant::now() + queue_timeout)
    }

    /// Whether it has been given to a runner before. The queue's limit is not for those (S39).
    pub(super) const fn has_moved(&self) -> bool {
        self.moves > 0
    }

    /// It was given to a runner that did not take it, and asks for another.
    pub(super) const fn moves_on(&mut self) -> Result<(), Refusal> {
        if self.moves == MAX_MOVES {
            return Err(Refusal::NobodyTakesIt { moves: MAX_MOVES });
        }
        self.moves += 1;
        Ok(())
    }
}

/// A place in the queue. Dropping it leaves the queue.
#[derive(Debug)]
pub(super) struct Place {
    balancer: Arc<Balancer>,
    arrival: Arrival,
    slot: oneshot::Receiver<Slot>,
}

impl Place {
    pub(super) const fn new(
        balancer: Arc<Balancer>,
        arrival: Arrival,
        slot: oneshot::Receiver<Slot>,
    ) -> Self {
        Self { balancer, arrival, slot }
    }
}

impl Future for Place {
    type Output = Result<Slot, Refusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Who hands out slots lets go of a waiting request only when the host stops (S41).
        let slot = ready!(Pin::new(&mut self.slot).poll(cx));
        Poll::Ready(slot.map_err(|_| Refusal::HostStopping))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.balancer.give_up(self.arrival);
    }
}
