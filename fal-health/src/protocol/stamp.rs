//! The header by which a runner reports the progress of its requests with each health check.

use std::fmt;
use std::time::Duration;

/// The value of [`header::PROGRESS`](super::header::PROGRESS): `canary_ms=3` or `canary_ms=3, oldest_ms=1200`.
///
/// A runner answers health checks on a thread of their own. So that this does not hide stalled requests,
/// each answer carries a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressStamp {
    /// Since when the runtime that serves requests has not run a task of the runner's. In whole milliseconds.
    pub canary: Duration,
    /// For how long the oldest request has been served, if there is one. In whole milliseconds.
    pub oldest: Option<Duration>,
}

impl ProgressStamp {
    /// Reads a header's value. `None` if it has no valid `canary_ms`; anything else that is unknown is skipped.
    pub fn parse(value: &str) -> Option<Self> {
        let millis = |name| {
            let mut pairs = value.split(',').filter_map(|pair| pair.split_once('='));
            let (_, number) = pairs.find(|(it, _)| it.trim() == name)?;
            number.trim().parse().ok().map(Duration::from_millis)
        };
        Some(Self { canary: millis("canary_ms")?, oldest: millis("oldest_ms") })
    }
}

impl fmt::Display for ProgressStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "canary_ms={}", self.canary.as_millis())?;
        self.oldest.map_or(Ok(()), |oldest| write!(f, ", oldest_ms={}", oldest.as_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: Duration = Duration::from_millis(3);

    #[test]
    fn a_stamp_is_read_back_as_it_is_written() {
        for (text, oldest) in
            [("canary_ms=3", None), ("canary_ms=3, oldest_ms=1200", Some(Duration::from_millis(1200)))]
        {
            let stamp = ProgressStamp { canary: CANARY, oldest };
            assert_eq!(stamp.to_string(), text);
            assert_eq!(ProgressStamp::parse(text), Some(stamp));
        }
    }

    #[test]
    fn a_value_without_a_canary_is_no_stamp_and_what_is_unknown_is_skipped() {
        for text in ["", "canary_ms", "canary_ms=x", "canary_ms=-1", "oldest_ms=1"] {
            assert_eq!(ProgressStamp::parse(text), None, "{text:?}");
        }
        let stamp = ProgressStamp { canary: CANARY, oldest: None };
        assert_eq!(ProgressStamp::parse("later=1,oldest_ms=?, canary_ms = 3"), Some(stamp));
    }
}
