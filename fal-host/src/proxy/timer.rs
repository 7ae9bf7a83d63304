//! The time limits of client connections, without a timer per request.
//!
//! Setting and clearing a deadline costs a store in memory. Once a tick, the deadlines of all connections are compared
//! with the clock, and connections with a deadline that has passed are woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;

/// A clock that advances only at ticks. A wait takes at least its duration, and at most two ticks more.
#[derive(Clone, Debug)]
pub(super) struct TickClock {
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
        Self { tick, ticks: Arc::default() }
    }

    /// The interval at which [`advance`](Self::advance) must be called.
    pub(super) const fn tick(&self) -> Duration {
        self.tick
    }

    /// Counts a tick, and wakes every timer with a deadline that has passed.
    pub(super) fn advance<'a>(&self, timers: impl Iterator<Item = &'a ConnectionTimer>) {
        self.ticks.fetch_add(1, Ordering::AcqRel);
        self.wake_overdue(timers);
    }

    /// Wakes every timer with a deadline that has passed.
    pub(super) fn wake_overdue<'a>(&self, timers: impl Iterator<Item = &'a ConnectionTimer>) {
        let now = self.now();
        for timer in timers {
            if timer.deadlines.iter().any(|deadline| deadline.load(Ordering::Acquire) <= now) {
                timer.waker.wake();
            }
        }
    }

    /// How many ticks cover `time`, wherever between two ticks it begins.
    pub(super) fn ticks_of(&self, time: Duration) -> u64 {
        let ticks = time.as_nanos().div_ceil(self.tick.as_nanos().max(1)).saturating_add(1);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// How many ticks certainly fit into `time`, wherever between two ticks it begins.
    pub(super) fn ticks_within(&self, time: Duration) -> u64 {
        let ticks = time.as_nanos() / self.tick.as_nanos().max(1);
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_sub(1)
    }

    /// The number of ticks so far.
    pub(super) fn now(&self) -> u64 {
        self.ticks.load(Ordering::Acquire)
    }
}

/// What a connection can wait for. Each has a deadline of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The head of the next request.
    Head,
    /// The same, with memory for it.
    Rest,
    /// More of a request's body.
    Upload,
    /// The client, to take more of a response.
    Download,
    /// The head of a runner's response.
    Response,
    /// A runner's `100 Continue`.
    Continue,
    /// A sign that a client lives that has closed its side. It has no time limit of its own.
    Departure,
}

/// A number of ticks that never pass.
pub(super) const FOREVER: u64 = u64::MAX / 2;

/// The deadlines of one connection, all of which are polled by one task.
#[derive(Debug)]
pub(super) struct ConnectionTimer {
    clock: TickClock,
    /// In ticks, by [`Wait`].
    deadlines: [AtomicU64; 7],
    waker: AtomicWaker,
}

/// The deadline of a connection that does not wait.
const NONE: u64 = u64::MAX;

impl ConnectionTimer {
    pub(super) fn new(clock: TickClock) -> Self {
        Self { clock, deadlines: [const { AtomicU64::new(NONE) }; 7], waker: AtomicWaker::new() }
    }

    pub(super) const fn clock(&self) -> &TickClock {
        &self.clock
    }

    /// Sets a deadline, `ticks` ticks from now.
    pub(super) fn start(&self, wait: Wait, ticks: u64) {
        self.deadline(wait).store(self.clock.now().saturating_add(ticks), Ordering::Release);
    }

    /// Sets a deadline again, `ticks` ticks from now, if it is set.
    pub(super) fn restart(&self, wait: Wait, ticks: Option<u64>) {
        if let Some(ticks) = ticks
            && self.is_running(wait)
        {
            self.start(wait, ticks);
        }
    }

    /// Clears a deadline.
    pub(super) fn stop(&self, wait: Wait) {
        self.deadline(wait).store(NONE, Ordering::Release);
    }

    /// Whether a deadline is set.
    pub(super) fn is_running(&self, wait: Wait) -> bool {
        self.deadline(wait).load(Ordering::Relaxed) != NONE
    }

    /// How many ticks are left until a deadline, if it is set.
    pub(super) fn left(&self, wait: Wait) -> Option<u64> {
        let deadline = self.deadline(wait).load(Ordering::Relaxed);
        (deadline != NONE).then(|| deadline.saturating_sub(self.clock.now()))
    }

    /// Whether a deadline has passed, which is then cleared. Some other wait of the task has to be polled.
    pub(super) fn take_passed(&self, wait: Wait) -> bool {
        let deadline = self.deadline(wait).load(Ordering::Relaxed);
        let has_passed = deadline != NONE && deadline <= self.clock.now();
        if has_passed {
            self.stop(wait);
        }
        has_passed
    }

    /// Whether a deadline has passed. The task is woken when it does.
    pub(super) fn poll(&self, wait: Wait, cx: &Context<'_>) -> Poll<()> {
        let deadline = self.deadline(wait).load(Ordering::Relaxed);
        if deadline == NONE {
            return Poll::Pending;
        }
        self.waker.register(cx.waker());
        // A tick before the registration may have missed the waker; the next tick does not.
        if self.clock.now() < deadline { Poll::Pending } else { Poll::Ready(()) }
    }

    const fn deadline(&self, wait: Wait) -> &AtomicU64 {
        let [head, rest, upload, download, response, continues, departure] = &self.deadlines;
        match wait {
            Wait::Head => head,
            Wait::Rest => rest,
            Wait::Upload => upload,
            Wait::Download => download,
            Wait::Response => response,
            Wait::Continue => continues,
            Wait::Departure => departure,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_tick_that_reaches_its_deadline() {
        let clock = TickClock::for_limit(None);
        let timer = Arc::new(ConnectionTimer::new(clock.clone()));
        timer.start(Wait::Upload, 2);
        let polled = Arc::clone(&timer);
        let mut waiting = tokio::spawn(async move { poll_fn(|cx| polled.poll(Wait::Upload, cx)).await });
        tokio::task::yield_now().await;
        clock.advance([&*timer].into_iter());
        tokio::task::yield_now().await;
        assert!((&mut waiting).now_or_never().is_none());
        clock.advance([&*timer].into_iter());
        waiting.await.unwrap();
    }

    #[test]
    fn each_wait_has_a_deadline_of_its_own_that_can_be_cleared() {
        let clock = TickClock::for_limit(None);
        let timer = ConnectionTimer::new(clock.clone());
        timer.start(Wait::Head, 1);
        timer.start(Wait::Response, 1);
        timer.stop(Wait::Head);
        clock.advance([&timer].into_iter());
        let cx = Context::from_waker(std::task::Waker::noop());
        assert!(timer.poll(Wait::Head, &cx).is_pending());
        assert!(timer.poll(Wait::Response, &cx).is_ready());
        assert!(timer.poll(Wait::Download, &cx).is_pending());
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

    #[test]
    fn ticks_within_a_time_never_take_longer() {
        let clock = TickClock::for_limit(None);
        assert_eq!(clock.ticks_within(Duration::from_secs(4)), 3);
        assert_eq!(clock.ticks_within(Duration::from_millis(500)), 0);
    }
}
