//! A request in flight, as snapshots and explanations show it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::amounts::duration;
use crate::json::seconds;

/// A request in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestInfo {
    /// Its method.
    pub method: String,
    /// Its path without the query, at most 256 bytes.
    pub path: String,
    /// Its `x-fal-request-id`.
    pub request_id: String,
    /// How long it has been in flight at the runner.
    #[serde(rename = "in_flight_seconds", serialize_with = "seconds")]
    pub in_flight: Duration,
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, request_id, in_flight } = self;
        write!(f, "{method} {path} with the id {request_id}, in flight for {}", duration(*in_flight))
    }
}
