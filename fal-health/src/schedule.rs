//! The times of a runner's periodic checks.

use std::time::Duration;

use crate::Time;

/// The default interval between two periodic checks of a runner ([S12](crate::semantics#s12),
/// [S15](crate::semantics#s15)).
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

/// The ticks of one runner: the times of its periodic checks, at `phase`, `phase + interval`, `phase + 2 · interval`, …
/// on the host's clock.
///
/// Ticks are points on the clock, so neither slow checks nor a late host move them ([S12](crate::semantics#s12)). The
/// phase is computed from the runner's start id by the golden-ratio sequence. It spreads any number of successive ids
/// nearly evenly over the interval, so that runners started together are not checked together. It is a multiple of a thousandth of
/// the interval ([S12b](crate::semantics#s12b)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: Duration,
    phase: Duration,
    /// From an outcome to the next check, until the first pass; `None` if ticks apply from readiness on.
    start_interval: Option<Duration>,
    /// From a counted failure to the next check; `None` if ticks apply.
    confirm_interval: Option<Duration>,
}

/// 2⁶⁴ divided by the golden ratio, rounded to an odd number. Its multiples modulo 2⁶⁴ fill the range evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// How many phases there are. A host of more runners wakes up once for several of them.
const PHASES: u128 = 1_000;

impl Schedule {
    /// The ticks of the runner with this start id. An interval of 0 is taken as 1 ns.
    pub fn new(interval: Duration, start_id: u64) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let thousandths = (u128::from(start_id.wrapping_mul(GOLDEN)) * PHASES) >> 64;
        let phase = interval.as_nanos() * thousandths / PHASES;
        Self { interval, phase: nanos(phase), start_interval: None, confirm_interval: None }
    }

    /// Replaces the ticks before a runner's first pass: the first check is due when the runner is ready, and
    /// each further one this time after the last outcome ([S44a](crate::semantics#s44a)). A time below 1 ms
    /// is taken as 1 ms.
    #[must_use]
    pub fn with_start_interval(mut self, interval: Duration) -> Self {
        self.start_interval = Some(interval.max(Duration::from_millis(1)));
        self
    }

    /// Lets the next check follow this time after the outcome of a counted failure, instead of at the next tick
    /// ([S55a](crate::semantics#s55a)). A time below 1 ms is taken as 1 ms, and one above the interval as the interval.
    #[must_use]
    pub fn with_confirm_interval(mut self, interval: Duration) -> Self {
        self.confirm_interval = Some(interval.max(Duration::from_millis(1)).min(self.interval));
        self
    }

    /// The first tick after `now`. For a runner that becomes ready at `now` it falls in `(now, now + interval]`. Ticks
    /// that a late host missed are skipped.
    pub fn next_after(&self, now: Time) -> Time {
        let (interval, phase) = (self.interval.as_nanos(), self.phase.as_nanos());
        let tick = match now.since_start().as_nanos().checked_sub(phase) {
            None => phase,
            Some(past) => (past / interval + 1).saturating_mul(interval).saturating_add(phase),
        };
        Time::after_start(nanos(tick))
    }

    /// The time from an outcome to the next check, until the first pass. `None` if ticks apply from readiness on.
    pub const fn start_interval(&self) -> Option<Duration> {
        self.start_interval
    }

    /// The time from a counted failure to the next check. `None` if ticks apply.
    pub const fn confirm_interval(&self) -> Option<Duration> {
        self.confirm_interval
    }
}

fn nanos(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    let rest = u32::try_from(nanos % SECOND).unwrap_or_default();
    Duration::new(seconds, rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(15);

    fn at(seconds: f64) -> Time {
        Time::after_start(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn the_first_tick_falls_within_one_interval_after_readiness_s12c() {
        for id in 0..1000_u64 {
            let schedule = Schedule::new(INTERVAL, id);
            #[expect(clippy::cast_precision_loss, reason = "a spread of test inputs")]
            let ready = at(id as f64 * 0.37);
            let first = schedule.next_after(ready);
            assert!(first > ready && first <= ready + INTERVAL, "{id}: {first:?}");
        }
    }

    #[test]
    fn ticks_have_a_fixed_rate_however_late_one_looks_s12a() {
        let schedule = Schedule::new(INTERVAL, 7);
        let first = schedule.next_after(Time::ZERO);
        assert_eq!(schedule.next_after(first), first + INTERVAL, "a tick is never its own successor");
        assert_eq!(schedule.next_after(first + Duration::from_millis(14_999)), first + INTERVAL);
    }

    #[test]
    fn missed_ticks_are_dropped_not_caught_up_s12d() {
        let schedule = Schedule::new(INTERVAL, 3);
        let first = schedule.next_after(Time::ZERO);
        let late = first + INTERVAL * 40 + Duration::from_secs(1);
        assert_eq!(schedule.next_after(late), first + INTERVAL * 41);
    }

    #[test]
    fn phases_of_successive_ids_are_spread_evenly_s12b() {
        for runners in [2_u64, 3, 8, 100, 300] {
            let mut phases: Vec<_> = (0..runners).map(|id| Schedule::new(INTERVAL, id).phase).collect();
            phases.sort();
            let wrap = (phases[0] + INTERVAL).saturating_sub(phases[phases.len() - 1]);
            let widest =
                phases.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).chain([wrap]).max().unwrap();
            let even = INTERVAL / u32::try_from(runners).unwrap();
            assert!(widest < even * 2, "{runners} runners: a gap of {widest:?}, where even is {even:?}");
        }
    }

    #[test]
    fn thousands_of_runners_share_a_thousand_phases_evenly_s12b() {
        let mut shared = BTreeMap::<_, u32>::new();
        for id in 0..10_000 {
            *shared.entry(Schedule::new(INTERVAL, id).phase).or_default() += 1;
        }
        assert_eq!(shared.len(), 1_000);
        assert!(shared.keys().all(|phase| phase.as_nanos() % Duration::from_millis(15).as_nanos() == 0));
        assert!(shared.values().all(|runners| (8..=12).contains(runners)), "{shared:?}");
    }

    #[test]
    fn the_interval_is_the_hosts_to_set_s15() {
        let schedule = Schedule::new(Duration::from_millis(20), 5);
        let first = schedule.next_after(at(100.0));
        assert_eq!(schedule.next_after(first).since(first), Duration::from_millis(20));
        assert_eq!(DEFAULT_INTERVAL, INTERVAL);
    }

    #[test]
    fn extreme_intervals_neither_panic_nor_stall() {
        for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let schedule = Schedule::new(interval, u64::MAX);
            assert!(schedule.next_after(at(1.0)) > at(1.0), "{interval:?}");
        }
    }
}
