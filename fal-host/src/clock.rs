//! The host's clock, which turns instants into [`Time`]s and back.

use std::time::{Duration, SystemTime};

use fal_health::Time;
use tokio::time::Instant;

/// A monotonic clock that starts with the host (S7).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    wall: SystemTime,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now(), wall: SystemTime::now() }
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

    /// The time of day of `time`.
    pub(crate) fn wall(&self, time: Time) -> SystemTime {
        self.wall.checked_add(time.since_start()).unwrap_or(self.wall)
    }
}
