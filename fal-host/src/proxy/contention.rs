//! The least rate of a client that holds a permit while other requests wait for one (S43i).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::timer::{ConnectionTimer, Wait};

/// The bytes a second that the client must transfer on average.
const MIN_RATE: u64 = 8 * 1024;

/// How long it may transfer less.
pub(super) const CONTENTION_TIMEOUT: Duration = Duration::from_secs(5);

/// What a client must transfer in [`CONTENTION_TIMEOUT`], in bytes.
const QUOTA: u64 = MIN_RATE * CONTENTION_TIMEOUT.as_secs();

/// What a client connection has transferred so far, and whether its request holds a permit. One thread writes it, all but
/// `too_slow`.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// The bytes of bodies that have arrived, without their framing.
    uploaded: AtomicU64,
    sent: AtomicU64,
    holds_permit: AtomicBool,
    /// How many requests have held one.
    requests: AtomicU64,
    /// The request whose wait was ended because the client transferred too little, 0 for none.
    too_slow: AtomicU64,
}

impl Transfers {
    /// Counts bytes of a body, or of another protocol, that have arrived.
    pub(super) fn count_uploaded(&self, bytes: usize) {
        add(&self.uploaded, bytes);
    }

    /// Counts bytes that have been given to the system for the client, or that one stream of HTTP/2 has taken.
    pub(super) fn count_sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    /// How many bytes of bodies have arrived.
    pub(super) fn uploaded(&self) -> u64 {
        self.uploaded.load(Ordering::Relaxed)
    }

    /// The request has got a permit. It holds that until [`release_permit`](Self::release_permit).
    pub(super) fn hold_permit(&self) {
        add(&self.requests, 1);
        self.holds_permit.store(true, Ordering::Relaxed);
    }

    pub(super) fn release_permit(&self) {
        self.holds_permit.store(false, Ordering::Relaxed);
    }

    /// Whether the client's wait was ended in its current request because it transferred too little while others waited.
    pub(super) fn were_too_slow(&self) -> bool {
        let request = self.too_slow.load(Ordering::Relaxed);
        request != 0 && request == self.requests.load(Ordering::Relaxed)
    }

    /// How many bytes have been sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn add(count: &AtomicU64, bytes: usize) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    count.store(count.load(Ordering::Relaxed).saturating_add(bytes), Ordering::Relaxed);
}

/// Counts the ticks in which a client holds a permit, the host waits for the client, and another request waits.
#[derive(Debug, Default)]
pub(super) struct Contention {
    /// Which of the client's requests is counted.
    request: u64,
    ticks: u64,
    /// What the client had transferred when the count began.
    transferred: u64,
}

impl Contention {
    /// Counts a tick in which another request waits. Ends the client's wait if it has transferred too little for `limit`
    /// ticks. `unsent` is how much of what was sent the client has not taken yet.
    pub(super) fn tick(
        &mut self,
        transfers: &Transfers,
        timer: &ConnectionTimer,
        unsent: impl FnOnce() -> u64,
        limit: u64,
    ) {
        let waits = [Wait::Upload, Wait::Download, Wait::Departure];
        let Some(wait) = waits.into_iter().find(|wait| timer.is_running(*wait)) else { return };
        // A client that may have left is in the way of others while its own request waits, too. Each byte that it takes shows
        // that it lives.
        let may_have_left = wait == Wait::Departure;
        if !may_have_left && !transfers.holds_permit.load(Ordering::Relaxed) {
            return;
        }
        let quota = if may_have_left { 1 } else { QUOTA };
        let request = transfers.requests.load(Ordering::Relaxed);
        let taken = transfers.sent().saturating_sub(unsent());
        let transferred = transfers.uploaded().saturating_add(taken);
        if self.request != request || transferred.saturating_sub(self.transferred) >= quota {
            *self = Self { request, ticks: 0, transferred };
        }
        self.ticks += 1;
        // `limit` ticks cover the time even if the first one came at once.
        if self.ticks >= limit {
            if !may_have_left {
                transfers.too_slow.store(request, Ordering::Relaxed);
            }
            timer.start(wait, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::timer::{FOREVER, TickClock};

    struct Transfer {
        transfers: Transfers,
        timer: ConnectionTimer,
        contention: Contention,
    }

    impl Transfer {
        fn of_upload() -> Self {
            let timer = ConnectionTimer::new(TickClock::for_limit(None));
            timer.start(Wait::Upload, 60);
            let transfer = Self { transfers: Transfers::default(), timer, contention: Contention::default() };
            transfer.transfers.hold_permit();
            transfer
        }

        /// Whether the transfer is too slow in one of some seconds.
        fn is_too_slow_in(&mut self, seconds: u64, bytes_each: usize) -> bool {
            for _ in 0..seconds {
                self.transfers.count_uploaded(bytes_each);
                self.contention.tick(&self.transfers, &self.timer, || 0, 6);
            }
            self.transfers.were_too_slow()
        }
    }

    #[test]
    fn a_transfer_below_the_least_rate_is_too_slow_after_five_seconds_s43i() {
        assert!(!Transfer::of_upload().is_too_slow_in(5, 8_000));
        assert!(Transfer::of_upload().is_too_slow_in(6, 8_000));
        assert!(!Transfer::of_upload().is_too_slow_in(1_000, 8_300));
    }

    #[test]
    fn each_request_of_a_connection_has_the_whole_time_s43i() {
        let mut transfer = Transfer::of_upload();
        for _ in 0..10 {
            assert!(!transfer.is_too_slow_in(4, 1));
            transfer.transfers.release_permit();
            transfer.transfers.hold_permit();
        }
    }

    #[test]
    fn a_request_after_one_that_was_too_slow_is_not_s43i() {
        let mut transfer = Transfer::of_upload();
        assert!(transfer.is_too_slow_in(6, 0));
        transfer.transfers.release_permit();
        assert!(transfer.transfers.were_too_slow(), "the answer says so after the permit is released");
        transfer.transfers.hold_permit();
        assert!(!transfer.transfers.were_too_slow());
    }

    #[test]
    fn a_client_that_may_have_left_is_in_the_way_until_it_takes_a_byte_s43d() {
        let mut departed = Transfer::of_upload();
        departed.timer.stop(Wait::Upload);
        departed.timer.start(Wait::Departure, FOREVER);
        departed.transfers.release_permit();
        let cx = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..100 {
            assert!(!departed.is_too_slow_in(1, 1));
        }
        assert!(departed.timer.poll(Wait::Departure, &cx).is_pending());
        assert!(!departed.is_too_slow_in(6, 0), "no error of the client's");
        assert!(departed.timer.poll(Wait::Departure, &cx).is_ready());
    }

    #[test]
    fn only_a_transfer_that_holds_a_permit_and_lets_the_host_wait_can_be_too_slow_s43i() {
        let mut without_permit = Transfer::of_upload();
        without_permit.transfers.release_permit();
        assert!(!without_permit.is_too_slow_in(100, 0));
        let mut awaited_by_nobody = Transfer::of_upload();
        awaited_by_nobody.timer.stop(Wait::Upload);
        assert!(!awaited_by_nobody.is_too_slow_in(100, 0));
    }
}
