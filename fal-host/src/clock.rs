use std::time::{Duration, Instant, SystemTime};

use fal_health::Time;

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
    pub(crate) fn instant(&self, time: Time) -> tokio::time::Instant {
        let origin = tokio::time::Instant::from_std(self.origin);
        origin
            .checked_add(time.since_start())
            .unwrap_or_else(|| origin + Duration::from_secs(u32::MAX.into()))
    }

    /// The same point as a time of day, for people.
    pub(crate) fn wall(&self, time: Time) -> SystemTime {
        self.wall.checked_add(time.since_start()).unwrap_or(self.wall)
    }
}
