//! Time on the host's clock.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A point in time on the host's monotonic clock, as the time since the start of that clock
/// ([S7](crate::semantics#s7)).
///
/// It is not a time of day, and it means nothing on another host.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The start of the clock.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The point `elapsed` after the start of the clock.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time from the start of the clock to this point.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this point; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of the clock, after about 584 billion years.
    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t+{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_time_since_the_start_of_the_clock_s7() {
        let time = Time::ZERO + Duration::from_millis(1_500);
        assert_eq!(format!("{time:?}"), "t+1.5s");
    }
}
