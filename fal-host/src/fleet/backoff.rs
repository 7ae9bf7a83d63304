//! The growing waits between failed starts.

use std::time::Duration;

use fal_health::Time;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Delays the starts of one replica while they fail (S35d).
///
/// The first failed start in a row delays nothing. After the n-th failure, from the second on, starts wait
/// min(60 s, 0.5 s · 2ⁿ⁻²) ± 20 %. The jitter keeps hosts that failed together from retrying together.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    failures: u32,
    /// `Time::ZERO` for no wait.
    held_until: Time,
    random: u64,
}

impl Backoff {
    /// The seed decides the jitter: the same seed gives the same waits.
    pub(crate) fn new(seed: u64) -> Self {
        Self { failures: 0, held_until: Time::ZERO, random: seed }
    }

    /// Counts a start that failed at `now`.
    pub(crate) fn failed(&mut self, now: Time) {
        self.failures = self.failures.saturating_add(1);
        if let Some(doublings) = self.failures.checked_sub(2) {
            // From the seventh doubling on the wait is the maximum.
            let wait = FIRST_WAIT.saturating_mul(1 << doublings.min(7)).min(MAX_WAIT);
            self.held_until = self.held_until.max(now + wait.mul_f64(self.jitter()));
        }
    }

    /// Ends the wait and resets the counter.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.held_until = Time::ZERO;
    }

    /// Ends the wait. The next failure waits for longer than this one.
    pub(crate) fn release(&mut self) {
        self.held_until = Time::ZERO;
    }

    /// When the next start may begin, if that is later than `now`.
    pub(crate) fn held(&self, now: Time) -> Option<Time> {
        (self.held_until > now).then_some(self.held_until)
    }

    /// Failed starts in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// The next number of the generator `SplitMix64`.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0.8 to 1.2.
    fn jitter(&mut self) -> f64 {
        let [high, low, ..] = self.next_random().to_be_bytes();
        0.8 + 0.4 * f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(seed: u64, failures: u32) -> Vec<Duration> {
        let mut backoff = Backoff::new(seed);
        let mut now = Time::ZERO;
        (0..failures)
            .map(|_| {
                backoff.failed(now);
                let wait = backoff.held(now).map_or(Duration::ZERO, |until| until.since(now));
                now = now + wait;
                wait
            })
            .collect()
    }

    #[test]
    fn waits_double_from_half_a_second_to_a_minute_within_a_fifth_s35d() {
        for seed in 0..200 {
            let waits = waits(seed, 12);
            assert_eq!(waits[0], Duration::ZERO, "after the first failure the next start begins at once");
            let nominal = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0];
            for (wait, nominal) in waits[1..].iter().zip(nominal) {
                let ratio = wait.as_secs_f64() / nominal;
                assert!((0.799..=1.201).contains(&ratio), "{wait:?} where about {nominal} s is due");
            }
        }
    }

    #[test]
    fn hosts_with_other_seeds_wait_otherwise_s35d() {
        assert_ne!(waits(1, 5), waits(2, 5));
        assert_eq!(waits(1, 5), waits(1, 5));
    }

    #[test]
    fn the_jitter_follows_the_reference_values_of_its_generator() {
        let mut backoff = Backoff::new(1_234_567);
        let numbers = [(); 5].map(|()| backoff.next_random());
        let reference = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, reference);
    }

    #[test]
    fn a_later_failure_does_not_shorten_the_wait_s35d() {
        let mut backoff = Backoff::new(0);
        let mut held = Time::ZERO;
        // From the ninth failure on only the jitter differs.
        for _ in 0..100 {
            backoff.failed(Time::ZERO);
            let next = backoff.held(Time::ZERO).unwrap_or(Time::ZERO);
            assert!(next >= held, "{next:?} is before {held:?}");
            held = next;
        }
    }

    #[test]
    fn a_reset_releases_and_starts_over_s35e() {
        let mut backoff = Backoff::new(0);
        for _ in 0..5 {
            backoff.failed(Time::ZERO);
        }
        backoff.reset();
        assert_eq!(backoff.held(Time::ZERO), None);
        backoff.failed(Time::ZERO);
        assert_eq!(backoff.held(Time::ZERO), None);
    }
}
