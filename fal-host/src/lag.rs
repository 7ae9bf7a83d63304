//! Measures how long the host itself was kept from running.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How often the meter reads the clock.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);

/// How late a timer may be by its own coarseness.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Measures how long this thread was kept from running: by other work, by a busy machine, or by a suspension. A check
/// that waits on this thread lost the same time, and often the checked runner did too (S20).
#[derive(Debug)]
pub(crate) struct LagMeter {
    last: Instant,
    lost: Duration,
}

impl LagMeter {
    pub(crate) fn start() -> Self {
        Self { last: Instant::now(), lost: Duration::ZERO }
    }

    /// Measures until the future is ready, or until this time has passed: then the result is `None`. One timer does both.
    pub(crate) async fn timeout<T>(&mut self, time: Duration, future: impl Future<Output = T>) -> Option<T> {
        let deadline = Instant::now().checked_add(time);
        let mut future = pin!(future);
        loop {
            let sample = self.last + SAMPLE_INTERVAL;
            let wake = deadline.map_or(sample, |deadline| deadline.min(sample));
            if let Ok(output) = timeout_at(wake, &mut future).await {
                return Some(output);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return None;
            }
            self.lost = self.lost();
            self.last = Instant::now();
        }
    }

    /// The time lost since the start, including what the next sample is still to notice.
    pub(crate) fn lost(&self) -> Duration {
        let late = self.last.elapsed().saturating_sub(SAMPLE_INTERVAL);
        if late > TOLERANCE { self.lost + late } else { self.lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a meter together with another future.
    async fn measure(other: impl Future<Output = ()>) -> Duration {
        let mut meter = LagMeter::start();
        meter.timeout(Duration::MAX, other).await.unwrap();
        meter.lost()
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_loses_nothing_s20b() {
        assert_eq!(measure(tokio::time::sleep(Duration::from_secs(60))).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_that_was_held_up_lost_that_time_s20b() {
        let lost = measure(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            tokio::time::advance(Duration::from_secs(3)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            tokio::time::advance(Duration::from_secs(2)).await;
        })
        .await;
        let expected = Duration::from_secs(5);
        assert!(lost <= expected && lost > expected.saturating_sub(SAMPLE_INTERVAL * 4), "{lost:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_is_not_ready_in_time_is_given_up_then_s19a() {
        for millis in [0, 1, 20, 90, 5_000] {
            let (started, time) = (Instant::now(), Duration::from_millis(millis));
            assert_eq!(LagMeter::start().timeout(time, std::future::pending::<()>()).await, None);
            assert_eq!(started.elapsed(), time);
        }
    }
}
