//! The latency of all requests together.

use serde::Serialize;

/// The latency of all requests that were answered: the time from the arrival of the head to the end of the response. Two of these
/// give the mean latency between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencyTotal {
    /// How many requests were answered.
    pub requests: u64,
    /// The sum of their latencies.
    pub seconds: f64,
}
