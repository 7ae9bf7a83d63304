//! The limits at which a healthy runner is replaced (S54).

use std::num::NonZeroU64;
use std::time::Duration;

use crate::id::RunnerId;

/// The limits at which a runner is replaced. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunnerLimits {
    /// The resident memory of its processes, in bytes.
    pub(crate) memory: Option<NonZeroU64>,
    /// The time since the start of its process.
    pub(crate) age: Option<Duration>,
    /// How many requests it serves.
    pub(crate) requests: Option<NonZeroU64>,
}

/// 2⁶⁴ divided by the golden ratio, rounded to an odd number. Its multiples modulo 2⁶⁴ fill the range evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl RunnerLimits {
    /// The limits of one runner: up to a tenth lower, so that runners that started together are not replaced together
    /// (S54b).
    pub(super) fn of_runner(self, id: RunnerId, seed: u64) -> Self {
        let share = id.get().wrapping_mul(GOLDEN).wrapping_add(seed);
        let lower = |limit: u64| {
            let tenth = (u128::from(limit) * u128::from(share)) >> 64;
            limit - u64::try_from(tenth / 10).unwrap_or_default()
        };
        let lower_count = |limit: NonZeroU64| NonZeroU64::new(lower(limit.get())).unwrap_or(NonZeroU64::MIN);
        let lower_time = |time: Duration| {
            Duration::from_millis(lower(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
        };
        Self {
            memory: self.memory.map(lower_count),
            age: self.age.map(lower_time),
            requests: self.requests.map(lower_count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runner_has_limits_of_its_own_up_to_a_tenth_lower_s54b() {
        let limits = RunnerLimits {
            memory: NonZeroU64::new(1_000_000),
            age: Some(Duration::from_secs(1_000)),
            requests: NonZeroU64::new(1),
        };
        let ages: std::collections::BTreeSet<_> = (1..=100)
            .map(|id| {
                let own = limits.of_runner(RunnerId::new(id), 7);
                assert!((900_000..=1_000_000).contains(&own.memory.unwrap().get()), "{own:?}");
                assert_eq!(own.requests, NonZeroU64::new(1));
                own.age.unwrap()
            })
            .collect();
        assert_eq!(ages.len(), 100, "no two are replaced at the same time");
        assert!(ages.first().unwrap().as_secs() <= 905 && ages.last().unwrap().as_secs() >= 995, "{ages:?}");
        assert_eq!(RunnerLimits::default().of_runner(RunnerId::new(1), 0), RunnerLimits::default());
    }
}
