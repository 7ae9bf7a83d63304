use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A point on the host's monotonic clock, as the time since that clock's own start (S7).
///
/// It is not a time of day and means nothing to another host.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The clock's start.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The point that lies `elapsed` after the clock's start.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the clock's start this point lies.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this point lies; zero where it lies before it.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of the clock, some 584 billion years away.
    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t+{:?}", self.0)
    }
}
