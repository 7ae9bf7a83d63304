//! The time limits of client connections, without a timer per request.
//!
//! A connection waits for the head of a request, or for the head of its response, and never for both. Beginning such a
//! wait costs a few stores in memory. Once a tick, the deadlines of all connections are compared with the clock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use hyper::rt::{Sleep, Timer};

/// A clock that advances only at ticks. A wait takes at least its duration, and at most two ticks more.
#[derive(Clone, Debug)]
pub(super) struct TickClock {
    start: Instant,
    tick: Duration,
    ticks: Arc<AtomicU64>,
}

impl TickClock {
    /// The longest time between two ticks.
    pub(super) const LONGEST_TICK: Duration = Duration::from_secs(1);
    const SHORTEST_TICK: Duration = Duration::from_millis(1);

    /// A clock whose tick is short enough to keep `limit` to within an eighth of it.
    pub(super) fn for_limit(limit: Option<Duration>) -> Self {
        let tick = limit
            .map_or(Self::LONGEST_TICK, |limit| (limit / 16).clamp(Self::SHORTEST_TICK, Self::LONGEST_TICK));
        Self { start: Instant::now(), tick, ticks: Arc::default() }
    }

    /// The interval at which [`advance`](Self::advance) must be called.
    pub(super) const fn tick(&self) -> Duration {
        self.tick
    }

    /// Counts a tick, and wakes every timer whose deadline has passed.
    pub(super) fn advance<'a>(&self, timers: impl Iterator<Item = &'a ConnectionTimer>) {
        let now = self.ticks.fetch_add(1, Ordering::AcqRel) + 1;
        for timer in timers {
            if timer.0.deadline.load(Ordering::Acquire) <= now {
                timer.0.waker.wake();
            }
        }
    }

    /// How many ticks cover `time`, wherever between two ticks it begins.
    pub(super) fn ticks_of(&self, time: Duration) -> u64 {
        let ticks = time.as_nanos().div_ceil(self.tick.as_nanos().max(1)).saturating_add(1);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Acquire)
    }
}

/// The timer of one connection. It has at most one deadline at a time.
#[derive(Clone, Debug)]
pub(super) struct ConnectionTimer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: TickClock,
    /// In ticks.
    deadline: AtomicU64,
    waker: AtomicWaker,
}

/// The deadline of a connection that does not wait.
const NONE: u64 = u64::MAX;

impl ConnectionTimer {
    pub(super) fn new(clock: TickClock) -> Self {
        Self(Arc::new(Inner { clock, deadline: AtomicU64::new(NONE), waker: AtomicWaker::new() }))
    }

    /// Waits for `ticks` ticks.
    pub(super) fn wait(&self, ticks: u64) -> Wait {
        Wait { timer: self.clone(), deadline: self.0.clock.now().saturating_add(ticks) }
    }
}

/// hyper sets a deadline whenever it begins to wait for the head of a request.
impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.wait(self.0.clock.ticks_of(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        let TickClock { start, tick, .. } = self.0.clock;
        let passed = u128::from(self.0.clock.now()).saturating_mul(tick.as_nanos());
        start + Duration::from_nanos(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// A wait for a deadline. Dropping it clears the deadline.
#[derive(Debug)]
pub(super) struct Wait {
    timer: ConnectionTimer,
    deadline: u64,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &self.timer.0;
        inner.waker.register(cx.waker());
        inner.deadline.store(self.deadline, Ordering::Release);
        // A tick between these two lines may miss the deadline; the next tick does not.
        if inner.clock.now() < self.deadline { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Wait {
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
        let clock = TickClock::for_limit(None);
        let timer = ConnectionTimer::new(clock.clone());
        let mut waiting = tokio::spawn(timer.wait(2));
        tokio::task::yield_now().await;
        clock.advance([&timer].into_iter());
        assert!((&mut waiting).now_or_never().is_none());
        clock.advance([&timer].into_iter());
        waiting.await.unwrap();
    }

    #[test]
    fn a_dropped_wait_has_no_deadline() {
        let timer = ConnectionTimer::new(TickClock::for_limit(None));
        let mut wait = Box::pin(timer.wait(1));
        let waker = noop_waker();
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(wait);
        assert_eq!(timer.0.deadline.load(Ordering::Acquire), NONE);
    }

    #[test]
    fn a_time_is_never_cut_short_and_an_eighth_too_long_at_most() {
        let limits = [10, 16, 100, 999, 1_000, 1_001, 30_000].map(Duration::from_millis);
        for limit in limits {
            let clock = TickClock::for_limit(Some(limit));
            let ticks = u32::try_from(clock.ticks_of(limit)).unwrap();
            // The first tick may come at once.
            assert!(clock.tick() * (ticks - 1) >= limit, "{limit:?}");
            let latest = clock.tick() * ticks;
            assert!(latest <= (limit + limit / 8).max(limit + TickClock::SHORTEST_TICK * 2), "{limit:?}");
        }
        assert_eq!(TickClock::for_limit(Some(Duration::from_secs(600))).tick(), TickClock::LONGEST_TICK);
        assert_eq!(TickClock::for_limit(None).ticks_of(Duration::MAX), u64::MAX);
    }
}
