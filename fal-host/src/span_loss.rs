//! Spans that could not be sent (S114d).

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use crate::json::unix_time;

/// Of the spans of this process.
pub(crate) static SPAN_LOSS: SpanLoss = SpanLoss::new();

/// For how long after the last loss the host has a note of it.
const RECENT: Duration = Duration::from_secs(60);

/// Counts the spans that could not be sent.
#[derive(Debug)]
pub(crate) struct SpanLoss(Mutex<SpanLossState>);

#[derive(Debug)]
struct SpanLossState {
    total: u64,
    /// The latest ones, and when the last of them was lost.
    latest: Option<(LostSpans, Instant)>,
}

/// Spans that were lost, the last one in the last minute ([S114d](fal_health::semantics#s114d)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LostSpans {
    /// How many they are.
    pub spans: u64,
    /// When the first one was lost. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub since: SystemTime,
    /// Why the last one was lost.
    pub cause: String,
}

impl fmt::Display for LostSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spans, since, cause } = self;
        let spans = if *spans == 1 { "1 span was" } else { &format!("{spans} spans were") };
        write!(f, "{spans} lost since {}: {cause}", humantime::format_rfc3339_seconds(*since))
    }
}

impl SpanLoss {
    const fn new() -> Self {
        Self(Mutex::new(SpanLossState { total: 0, latest: None }))
    }

    /// Spans are lost.
    #[cfg(any(feature = "otel", test))]
    pub(crate) fn add(&self, spans: u64, cause: &str, now: Instant) {
        let mut state = self.lock();
        state.total += spans;
        let latest = state.latest.take().filter(|(_, last)| is_recent(*last, now));
        let mut lost = latest.map_or_else(
            || LostSpans { spans: 0, since: SystemTime::now(), cause: String::new() },
            |(lost, _)| lost,
        );
        lost.spans += spans;
        if lost.cause != cause {
            cause.clone_into(&mut lost.cause);
        }
        state.latest = Some((lost, now));
    }

    /// The lost spans that the host has a note of.
    pub(crate) fn recent(&self, now: Instant) -> Option<LostSpans> {
        let state = self.lock();
        state.latest.as_ref().filter(|(_, last)| is_recent(*last, now)).map(|(lost, _)| lost.clone())
    }

    /// How many spans were lost since the process started.
    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, SpanLossState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_recent(last: Instant, now: Instant) -> bool {
    now.duration_since(last) < RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_recent_for_a_minute_and_its_number_begins_again_after_it_s114d() {
        let (loss, start) = (SpanLoss::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let recent = |seconds| loss.recent(at(seconds)).map(|lost| (lost.spans, lost.cause));
        assert_eq!(recent(0), None);
        loss.add(2, "refused", at(0));
        loss.add(3, "too slow", at(59));
        assert_eq!(recent(118), Some((5, "too slow".to_owned())));
        assert_eq!(recent(119), None);
        loss.add(1, "refused", at(200));
        assert_eq!((recent(200), loss.total()), (Some((1, "refused".to_owned())), 6));
    }
}
