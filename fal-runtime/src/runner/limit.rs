use std::num::NonZeroU32;
use std::time::Duration;

/// How long before the host's SIGKILL a runner gives up by itself (S42).
const MARGIN: Duration = Duration::from_millis(250);

/// The longest that idle connections are kept open for a request that may be on its way.
const LONGEST_LINGER: Duration = Duration::from_secs(1);

/// Blocking threads besides those of calls: for the files that the app reads and the names that it looks up.
const OTHER_BLOCKING_THREADS: usize = 512;

/// How many blocking threads there may be: one for each call, so that a blocking call that has a place never waits for
/// a thread, and calls that hold all of theirs keep nothing else of the app waiting (S38).
pub(super) fn blocking_threads(max_multiplexing: NonZeroU32) -> usize {
    usize::try_from(max_multiplexing.get()).unwrap_or(usize::MAX).saturating_add(OTHER_BLOCKING_THREADS)
}

/// How long a runner may take to stop, counted from SIGTERM: 250 ms less than the grace period, and three quarters of
/// one under 1 s (S42).
pub(super) fn own_limit(grace: Duration) -> Duration {
    grace.saturating_sub(MARGIN.min(grace / 4))
}

/// How long idle connections stay open once the runner was told to stop: a quarter of its limit, so that most is left
/// for `teardown`, and at most 1 s. A host closes its idle ones at once; this is for whoever does not know.
pub(super) fn linger(limit: Duration) -> Duration {
    (limit / 4).min(LONGEST_LINGER)
}

/// How long a client may be at a request that no call has begun for, or at a response that no call makes any more: three
/// quarters of the limit, so that the rest is left for [`last_words`] and `teardown`.
pub(super) fn patience(limit: Duration) -> Duration {
    limit / 4 * 3
}

/// How long the response of a call that ends after that may take: an eighth of the limit.
pub(super) fn last_words(limit: Duration) -> Duration {
    limit / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_limit_is_a_quarter_of_a_second_or_of_a_short_grace_period_s42c() {
        let millis = Duration::from_millis;
        for (grace, limit) in [(5000, 4750), (1000, 750), (800, 600), (100, 75), (0, 0)] {
            assert_eq!(own_limit(millis(grace)), millis(limit), "grace period {grace} ms");
        }
    }

    #[test]
    fn idle_connections_never_take_most_of_the_limit() {
        let millis = Duration::from_millis;
        assert_eq!(linger(millis(60_000)), millis(1000));
        assert_eq!(linger(millis(400)), millis(100));
    }
}
