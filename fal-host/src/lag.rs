use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How often the meter looks at the clock.
const BEAT: Duration = Duration::from_millis(20);

/// A beat may be this late without a reason to speak of: timers are that coarse.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Measures how much time this thread was kept from running: by other work, by a busy machine, or because it was
/// stopped. Time that was lost was lost for whoever waits here, and most often for its peer as well (S20).
#[derive(Debug)]
pub(crate) struct LagMeter {
    last: Instant,
    lost: Duration,
}

impl LagMeter {
    pub(crate) fn start() -> Self {
        Self { last: Instant::now(), lost: Duration::ZERO }
    }

    /// Measures until it is dropped. Between two beats it costs nothing.
    pub(crate) async fn run(&mut self) -> Infallible {
        loop {
            sleep_until(self.last + BEAT).await;
            self.lost = self.lost();
            self.last = Instant::now();
        }
    }

    /// The time lost since the start, whether or not a beat has noticed it yet.
    pub(crate) fn lost(&self) -> Duration {
        let late = self.last.elapsed().saturating_sub(BEAT);
        if late > TOLERANCE { self.lost + late } else { self.lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a meter beside something else.
    async fn measure(other: impl Future<Output = ()>) -> Duration {
        let mut meter = LagMeter::start();
        tokio::select! {
            never = meter.run() => match never {},
            () = other => {}
        }
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
        assert!(lost <= expected && lost > expected.saturating_sub(BEAT * 4), "{lost:?}");
    }
}
