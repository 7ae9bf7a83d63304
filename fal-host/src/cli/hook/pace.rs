//! Limits how often events are delivered.

use std::time::Duration;

use tokio::time::Instant;

/// The time between two deliveries on average.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// How many deliveries may follow each other at once.
pub(super) const BURST: u32 = 20;

/// A token bucket that holds [`BURST`] deliveries, and gets one every [`INTERVAL`].
#[derive(Debug)]
pub(super) struct Pace {
    tokens: u32,
    refilled: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: BURST, refilled: now }
    }

    /// Takes a delivery. Returns how long to wait before it.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let intervals = now.saturating_duration_since(self.refilled).as_secs() / INTERVAL.as_secs();
        let intervals = u32::try_from(intervals).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(intervals).min(BURST);
        self.refilled += INTERVAL * intervals;
        if let Some(rest) = self.tokens.checked_sub(1) {
            self.tokens = rest;
            return Duration::ZERO;
        }
        self.refilled += INTERVAL;
        self.refilled.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_delivered_at_once_and_then_one_event_a_second_s86b() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        assert!((0..BURST).all(|_| pace.take(now).is_zero()));
        for _ in 0..5 {
            let wait = pace.take(now);
            assert_eq!(wait, INTERVAL);
            now += wait;
        }
        now += INTERVAL * 100;
        assert!((0..BURST).all(|_| pace.take(now).is_zero()));
        assert_eq!(pace.take(now), INTERVAL);
    }
}
