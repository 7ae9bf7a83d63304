//! The time limit of request heads, without a timer of tokio for each request.
//!
//! hyper sets a timer before each head and drops it after. Here that costs a store in memory: one task per server compares the
//! deadlines of all connections with a clock, once a second.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use hyper::rt::{Sleep, Timer};
use tokio::time::interval;

/// How often deadlines are compared. A wait takes up to two ticks longer than its time.
const TICK: Duration = Duration::from_secs(1);

/// The deadline of a connection that waits for no head.
const NONE: u64 = u64::MAX;

/// The clock of a server, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct HeadClock {
    ticks: AtomicU64,
    waits: Mutex<Vec<Weak<HeadWait>>>,
}

/// The deadline of one connection.
#[derive(Debug)]
struct HeadWait {
    clock: Arc<HeadClock>,
    /// In ticks.
    deadline: AtomicU64,
    waker: AtomicWaker,
}

impl HeadClock {
    /// Starts a clock, which runs until it is dropped.
    pub(super) fn start() -> Arc<Self> {
        let clock = Arc::<Self>::default();
        tokio::spawn(run(Arc::downgrade(&clock)));
        clock
    }

    /// The timer of one connection.
    pub(super) fn timer(self: &Arc<Self>) -> HeadTimer {
        let wait =
            HeadWait { clock: Arc::clone(self), deadline: AtomicU64::new(NONE), waker: AtomicWaker::new() };
        let wait = Arc::new(wait);
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&wait));
        HeadTimer { origin: Instant::now(), wait }
    }

    fn advance(&self) {
        let now = self.ticks.fetch_add(1, Ordering::AcqRel) + 1;
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).retain(|wait| {
            let wait = wait.upgrade();
            if let Some(wait) = &wait
                && wait.deadline.load(Ordering::Acquire) <= now
            {
                wait.waker.wake();
            }
            wait.is_some()
        });
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Acquire)
    }
}

async fn run(clock: Weak<HeadClock>) {
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        match clock.upgrade() {
            Some(clock) => clock.advance(),
            None => return,
        }
    }
}

/// hyper's timer of one connection. hyper has at most one sleep of it at a time: the limit of the head that it reads.
#[derive(Debug)]
pub(super) struct HeadTimer {
    /// What hyper takes for the time at any moment: a deadline is this and the time limit.
    origin: Instant,
    wait: Arc<HeadWait>,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let ticks = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        // The next tick may come at once.
        let deadline = self.wait.clock.now().saturating_add(ticks).saturating_add(1);
        self.wait.deadline.store(deadline, Ordering::Release);
        Box::pin(HeadSleep { wait: Arc::clone(&self.wait), deadline })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.origin))
    }

    fn now(&self) -> Instant {
        self.origin
    }
}

/// Resolves when the head is late.
#[derive(Debug)]
struct HeadSleep {
    wait: Arc<HeadWait>,
    deadline: u64,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.waker.register(cx.waker());
        // A tick before the registration may have missed the waker; the next tick does not.
        if self.wait.clock.now() < self.deadline { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for HeadSleep {
    fn drop(&mut self) {
        self.wait.deadline.store(NONE, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_takes_its_time_and_at_most_two_seconds_more() {
        let clock = HeadClock::start();
        let timer = clock.timer();
        for time in [Duration::from_millis(1), Duration::from_secs(30)] {
            let begin = tokio::time::Instant::now();
            timer.sleep_until(timer.now() + time).await;
            let waited = begin.elapsed();
            assert!(waited >= time && waited <= time + 2 * TICK, "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_waits_for_no_head_is_not_woken_and_then_forgotten() {
        let clock = HeadClock::start();
        let timer = clock.timer();
        drop(timer.sleep(TICK));
        assert_eq!(timer.wait.deadline.load(Ordering::Relaxed), NONE);
        drop(timer);
        clock.advance();
        assert!(clock.waits.lock().unwrap().is_empty());
    }
}
