//! The inactivity limit of a peer: how long the host has waited for it, and how little it moved meanwhile.

use std::time::Duration;

/// The bytes a second that a client must transfer on average while the host waits for it.
pub(super) const MIN_RATE: u64 = 240;

/// Counts the ticks that the host waits for a peer, and the bytes that the peer transfers.
///
/// Only time in which the host waits counts: the peer is not charged for the pauses of the other side. When the peer has
/// transferred its quota, the count of ticks starts again. Before that, a few bytes do not buy it time.
#[derive(Debug)]
pub(super) struct Meter {
    /// The ticks that the peer may use for each quota.
    limit: u64,
    /// In bytes.
    quota: u64,
    waited: u64,
    /// When the wait that goes on now began.
    since: Option<u64>,
    transferred: u64,
}

impl Meter {
    /// A meter with a limit of `limit` ticks, which are `time`.
    pub(super) const fn new(limit: u64, time: Duration) -> Self {
        // A limit without end has no quota that could be reached.
        let quota = MIN_RATE.saturating_mul(time.as_secs());
        Self { limit, quota: if quota == 0 { 1 } else { quota }, waited: 0, since: None, transferred: 0 }
    }

    /// Forgets what was counted: a new transfer begins.
    pub(super) const fn reset(&mut self) {
        self.waited = 0;
        self.since = None;
        self.transferred = 0;
    }

    /// The host waits for the peer at tick `now`. Returns how many ticks the peer has left if the wait begins now, and
    /// `None` if the host waited already.
    pub(super) const fn wait(&mut self, now: u64) -> Option<u64> {
        if self.since.is_some() {
            return None;
        }
        self.since = Some(now);
        Some(self.limit.saturating_sub(self.waited))
    }

    /// The peer transferred `bytes` at tick `now`. Returns whether a wait has ended.
    pub(super) const fn transfer(&mut self, now: u64, bytes: u64) -> bool {
        let waited = self.since.take();
        if let Some(since) = waited {
            self.waited = self.waited.saturating_add(now.saturating_sub(since));
        }
        self.transferred = self.transferred.saturating_add(bytes);
        if self.transferred >= self.quota {
            self.waited = 0;
            self.transferred = 0;
        }
        waited.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> Meter {
        Meter::new(60, Duration::from_secs(60))
    }

    #[test]
    fn a_few_bytes_buy_no_time_s43a() {
        let mut meter = meter();
        assert_eq!(meter.wait(0), Some(60));
        assert!(meter.transfer(59, 1));
        assert_eq!(meter.wait(59), Some(1));
    }

    #[test]
    fn a_peer_that_transfers_its_quota_has_its_whole_time_again_s43a() {
        let mut meter = meter();
        meter.wait(0);
        meter.transfer(50, MIN_RATE * 60 - 1);
        assert_eq!(meter.wait(50), Some(10));
        meter.transfer(51, 1);
        assert_eq!(meter.wait(51), Some(60));
    }

    #[test]
    fn only_the_time_that_the_host_waits_counts_s43a() {
        let mut meter = meter();
        meter.wait(0);
        meter.transfer(10, 1);
        assert!(!meter.transfer(1_000, 1), "it did not wait");
        assert_eq!(meter.wait(2_000), Some(50));
        assert_eq!(meter.wait(2_001), None, "it waits already");
    }
}
