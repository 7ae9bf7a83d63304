//! The host's clock, which turns instants into [`Time`]s and back.

use std::time::{Duration, SystemTime};

use fal_health::Time;
use tokio::time::Instant;

/// How much the time of day may run apart from the monotonic clock.
const TOLERANCE: Duration = Duration::from_millis(50);

/// How many changes of the time of day are remembered.
const MAX_ANCHORS: usize = 64;

/// A monotonic clock that starts with the host (S7).
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// The time of day at some times, oldest first: at the start, and after it was set or the system was suspended.
    anchors: Vec<(Time, SystemTime)>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now(), anchors: vec![(Time::ZERO, SystemTime::now())] }
    }

    pub(crate) fn now(&self) -> Time {
        Time::after_start(self.origin.elapsed())
    }

    /// The instant of `time`, for a timer.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.origin
            .checked_add(time.since_start())
            .unwrap_or_else(|| self.origin + Duration::from_secs(u32::MAX.into()))
    }

    /// Notices that the time of day was set, or that the system was suspended, so that earlier times keep theirs.
    pub(crate) fn follow(&mut self, time_of_day: SystemTime) {
        self.follow_at(self.now(), time_of_day);
    }

    fn follow_at(&mut self, now: Time, time_of_day: SystemTime) {
        let expected = self.wall(now);
        let difference = time_of_day.duration_since(expected).unwrap_or_else(|error| error.duration());
        if difference > TOLERANCE {
            if self.anchors.len() == MAX_ANCHORS {
                self.anchors.remove(0);
            }
            self.anchors.push((now, time_of_day));
        }
    }

    /// The time of day of `time`, as it was then.
    pub(crate) fn wall(&self, time: Time) -> SystemTime {
        let anchor = self.anchors.iter().rev().find(|(at, _)| *at <= time).or(self.anchors.first());
        let &(at, wall) = anchor.unwrap_or(&(Time::ZERO, SystemTime::UNIX_EPOCH));
        let earlier = || wall.checked_sub(at.since(time));
        let later = wall.checked_add(time.since(at));
        (if at <= time { later } else { earlier() }).unwrap_or(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn a_time_keeps_its_time_of_day_when_the_clock_is_set_or_the_system_is_suspended_s36a() {
        let mut clock = Clock::start();
        let start = clock.wall(Time::ZERO);
        let seconds = Duration::from_secs;
        let expected = |time| clock.wall(at(time)).duration_since(start).unwrap();
        assert_eq!(expected(10), seconds(10));
        // A suspend of an hour, which the monotonic clock does not count.
        clock.follow_at(at(20), start + seconds(3_620));
        // The clock is set two hours back.
        clock.follow_at(at(30), start + seconds(3_630) - seconds(7_200));
        for (time, wall) in [(10, start + seconds(10)), (25, start + seconds(3_625))] {
            assert_eq!(clock.wall(at(time)), wall);
        }
        assert_eq!(clock.wall(at(40)), start + seconds(3_640) - seconds(7_200));
    }

    #[test]
    fn a_drift_of_milliseconds_adds_no_anchor() {
        let mut clock = Clock::start();
        let start = clock.wall(Time::ZERO);
        for second in 0..1_000 {
            clock.follow_at(at(second), start + Duration::from_millis(second * 1_000 + second % 40));
        }
        assert_eq!(clock.anchors.len(), 1);
        for second in 1_000..2_000 {
            clock.follow_at(at(second), start + Duration::from_secs(second * 3));
        }
        assert_eq!(clock.anchors.len(), MAX_ANCHORS);
    }
}
