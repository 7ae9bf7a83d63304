//! The requests that a runner has lost recently while it lives, as snapshots show them (S116e).

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::evidence::OutputTail;
use crate::json::seconds;
use crate::request_info::RequestInfo;

/// How long a loss is shown.
pub(crate) const SHOWN_FOR: Duration = Duration::from_secs(60);

/// How long before a loss a line may have been printed that says why, and how late it may arrive.
const PRINTED_WITHIN: Duration = Duration::from_secs(10);
const MAX_DELAY: Duration = Duration::from_secs(1);

/// The requests that a runner has lost, the last one within a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecentLosses {
    /// How many requests it has lost since its start.
    pub requests: u64,
    /// How long ago it lost the last one. JSON has it as `ago_seconds`.
    #[serde(rename = "ago_seconds", serialize_with = "seconds")]
    pub ago: Duration,
    /// The last one.
    pub last: RequestInfo,
    /// What it printed last: from 10 s before that until 1 s after it, since a line may arrive late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
}

impl RecentLosses {
    /// Adds what the runner has printed.
    pub(crate) fn with_output(mut self, output: &OutputTail, now: SystemTime) -> Self {
        let at = now.checked_sub(self.ago).unwrap_or(now);
        let line = output.last_line_before(at + MAX_DELAY);
        let line = line
            .filter(|line| at.duration_since(line.at).is_ok_and(|age| age <= PRINTED_WITHIN) || line.at > at);
        self.printed = line.map(|line| line.text);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::OutputStream;
    use crate::snapshot_examples::request;

    #[test]
    fn what_was_printed_before_a_loss_goes_with_it_s116e() {
        let losses = |ago| RecentLosses {
            requests: 1,
            ago: Duration::from_secs(ago),
            last: request(1),
            printed: None,
        };
        let output = OutputTail::default();
        for line in ["RuntimeError: can't start new thread", "--------"] {
            output.push(OutputStream::Stderr, line);
        }
        let now = SystemTime::now();
        let printed = |ago, now| losses(ago).with_output(&output, now).printed;
        assert_eq!(printed(0, now).unwrap(), "RuntimeError: can't start new thread");
        assert_eq!(printed(5, now), None, "it was printed after the loss");
        assert_eq!(printed(0, now + Duration::from_secs(11)), None, "it was printed long before the loss");
    }
}
