//! The time limit on the head of a request, without a timer a request.
//!
//! hyper asks for a deadline whenever it begins to wait for a head. Here that costs a few stores in memory; which
//! deadlines have passed is looked at once a second, for all connections together.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use hyper::rt::{Sleep, Timer};

/// The time between two ticks. A deadline is kept to within two of them.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// A time that stands still between ticks.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Instant,
    ticks: Arc<AtomicU64>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), ticks: Arc::default() }
    }

    /// A [`TICK`] has passed: wakes those whose deadline has.
    pub(super) fn tick<'a>(&self, timers: impl Iterator<Item = &'a HeadTimer>) {
        let now = self.ticks.fetch_add(1, Ordering::AcqRel) + 1;
        for timer in timers {
            if timer.0.deadline.load(Ordering::Acquire) <= now {
                timer.0.waker.wake();
            }
        }
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Acquire)
    }
}

/// The timer of one connection, which waits for at most one head at a time.
#[derive(Clone, Debug)]
pub(super) struct HeadTimer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// In ticks.
    deadline: AtomicU64,
    waker: AtomicWaker,
}

/// The deadline of a connection that waits for no head.
const NONE: u64 = u64::MAX;

impl HeadTimer {
    pub(super) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, deadline: AtomicU64::new(NONE), waker: AtomicWaker::new() }))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let deadline = deadline.saturating_duration_since(self.0.clock.start).as_secs();
        Box::pin(HeadSleep { timer: self.clone(), deadline })
    }

    fn now(&self) -> Instant {
        self.0.clock.start + Duration::from_secs(self.0.clock.now())
    }
}

#[derive(Debug)]
struct HeadSleep {
    timer: HeadTimer,
    deadline: u64,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &self.timer.0;
        inner.waker.register(cx.waker());
        inner.deadline.store(self.deadline, Ordering::Release);
        // A tick that comes between these two lines and misses the deadline is followed by one that does not.
        if inner.clock.now() < self.deadline { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for HeadSleep {
    fn drop(&mut self) {
        self.timer.0.deadline.store(NONE, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::task::noop_waker;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_tick_that_reaches_its_deadline() {
        let clock = Clock::new();
        let timer = HeadTimer::new(clock.clone());
        let mut waiting = tokio::spawn(timer.sleep(TICK * 2));
        tokio::task::yield_now().await;
        clock.tick([&timer].into_iter());
        assert!((&mut waiting).now_or_never().is_none());
        clock.tick([&timer].into_iter());
        waiting.await.unwrap();
    }

    #[test]
    fn a_wait_that_was_given_up_wakes_nobody() {
        let clock = Clock::new();
        let timer = HeadTimer::new(clock.clone());
        let mut sleep = timer.sleep(TICK);
        let waker = noop_waker();
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(sleep);
        assert_eq!(timer.0.deadline.load(Ordering::Acquire), NONE);
    }
}
