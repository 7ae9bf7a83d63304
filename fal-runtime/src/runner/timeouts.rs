//! The timeouts of a runner that stops, and the size of its thread pool.

use std::num::NonZeroU32;
use std::time::Duration;

/// How long before the host's SIGKILL a runner ends by itself (S42c).
const STOP_MARGIN: Duration = Duration::from_millis(250);

/// The longest time that idle connections stay open for a request that may be on its way.
const MAX_LINGER: Duration = Duration::from_secs(1);

/// Blocking threads in addition to those of calls: for the app's file access and name lookups.
const OTHER_BLOCKING_THREADS: usize = 512;

/// How long a blocking thread without a call is kept.
pub(super) const BLOCKING_KEEP_ALIVE: Duration = Duration::from_secs(60);

/// The size of the pool of blocking threads: one thread for each call, and some more. So a blocking call with a permit
/// never waits for a thread, and calls that block all of theirs do not hold up other work of the app (S38).
pub(super) fn blocking_threads(max_multiplexing: NonZeroU32) -> usize {
    usize::try_from(max_multiplexing.get()).unwrap_or(usize::MAX).saturating_add(OTHER_BLOCKING_THREADS)
}

/// How long a runner may take to stop, from SIGTERM: 250 ms less than the grace period, or three quarters of a grace
/// period under 1 s (S42c).
pub(super) fn stop_timeout(grace_period: Duration) -> Duration {
    grace_period.saturating_sub(STOP_MARGIN.min(grace_period / 4))
}

/// How long idle connections stay open after the runner was told to stop: a quarter of the stop timeout, at most 1 s. A
/// host closes its idle connections at once; other clients may be sending a request.
pub(super) fn linger_timeout(stop_timeout: Duration) -> Duration {
    (stop_timeout / 4).min(MAX_LINGER)
}

/// How long a client may take to send a request whose call has not begun, or to read a response whose call has ended:
/// three quarters of the stop timeout. The rest is for [`flush_timeout`] and `teardown` (S42d).
pub(super) fn drain_timeout(stop_timeout: Duration) -> Duration {
    stop_timeout / 4 * 3
}

/// How long the response of a call that ends after the drain timeout may take: an eighth of the stop timeout.
pub(super) fn flush_timeout(stop_timeout: Duration) -> Duration {
    stop_timeout / 8
}

/// How long the last spans may take to be sent, when a stop has this time left: all of it, at most 1 s. At its end there is half
/// of the stop margin (S114c).
#[cfg(feature = "otel")]
pub(super) fn last_spans_timeout(left: Duration) -> Duration {
    left.clamp(STOP_MARGIN / 2, Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_timeout_leaves_a_quarter_of_a_second_or_of_a_short_grace_period_s42c() {
        let millis = Duration::from_millis;
        for (grace, timeout) in [(5000, 4750), (1000, 750), (800, 600), (100, 75), (0, 0)] {
            assert_eq!(stop_timeout(millis(grace)), millis(timeout), "grace period {grace} ms");
        }
    }

    #[test]
    fn idle_connections_never_take_most_of_the_stop_timeout() {
        let millis = Duration::from_millis;
        assert_eq!(linger_timeout(millis(60_000)), millis(1000));
        assert_eq!(linger_timeout(millis(400)), millis(100));
    }
}
