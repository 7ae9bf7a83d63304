use std::time::{Duration, SystemTime};

use fal_health::Time;
use tokio::time::Instant;

/// The host's clock: monotonic, from the host's start (S7).
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

    /// The same point for a timer.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.origin
            .checked_add(time.since_start())
            .unwrap_or_else(|| self.origin + Duration::from_secs(u32::MAX.into()))
    }

    /// The same point as a time of day, for people.
    pub(crate) fn wall(&self, time: Time) -> SystemTime {
        self.wall.checked_add(time.since_start()).unwrap_or(self.wall)
    }
}
