//! How many resets, pings, settings and other frames a client may send beside its requests and bodies (S51d).

use super::scanner::{Frame, Kind};
use crate::proxy::timer::TickClock;

/// How many requests of a connection its client may reset at once, and how many more a second.
const RESETS: (u64, u64) = (100, 10);

/// How many other frames a client may send at once, and how many more a second.
const CONTROL_FRAMES: (u64, u64) = (1_000, 50);

/// How many frames about flow control a client may send for each part of a body that it gets.
const PER_PART: u64 = 2;

/// What a client may still send.
#[derive(Debug)]
pub(super) struct Budget {
    clock: TickClock,
    resets: Bucket,
    control: Bucket,
}

/// A client has sent too many frames of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client has sent too many frames of HTTP/2 of the kind {0:?}")]
pub(super) struct Excess(Kind);

impl Budget {
    pub(super) fn new(clock: TickClock) -> Self {
        let now = clock.now();
        Self { resets: Bucket::new(RESETS, now), control: Bucket::new(CONTROL_FRAMES, now), clock }
    }

    /// A frame of the client's has arrived.
    pub(super) fn receive(&mut self, frame: Frame) -> Result<(), Excess> {
        let bucket = match frame.kind {
            // Requests and their bodies have limits of their own.
            Kind::Headers => return Ok(()),
            Kind::Data if frame.length > 0 || frame.ends_stream => return Ok(()),
            Kind::Reset => &mut self.resets,
            Kind::Data | Kind::GoAway | Kind::Other => &mut self.control,
        };
        if bucket.take(&self.clock) { Ok(()) } else { Err(Excess(frame.kind)) }
    }

    /// A frame to the client is written.
    pub(super) fn send(&mut self, frame: Frame) {
        if frame.kind == Kind::Data {
            self.control.put(PER_PART);
        }
    }
}

/// A number of frames that grows with time up to a limit.
#[derive(Debug)]
struct Bucket {
    limit: u64,
    per_second: u64,
    left: u64,
    /// The tick up to which time has been counted.
    at: u64,
}

impl Bucket {
    const fn new((limit, per_second): (u64, u64), now: u64) -> Self {
        Self { limit, per_second, left: limit, at: now }
    }

    fn take(&mut self, clock: &TickClock) -> bool {
        if self.left == 0 {
            self.refill(clock);
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    fn put(&mut self, frames: u64) {
        self.left = self.left.saturating_add(frames).min(self.limit);
    }

    /// Counts the time since the last refill.
    fn refill(&mut self, clock: &TickClock) {
        let now = clock.now();
        let passed = clock.tick().saturating_mul(u32::try_from(now - self.at).unwrap_or(u32::MAX));
        let frames = passed.as_millis() * u128::from(self.per_second) / 1_000;
        // Less than a frame is counted the next time.
        if frames > 0 {
            self.put(u64::try_from(frames).unwrap_or(u64::MAX));
            self.at = now;
        }
    }
}
