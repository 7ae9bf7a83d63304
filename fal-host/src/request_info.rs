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
    /// Its method, at most 32 bytes.
    pub method: String,
    /// Its path without the query, at most 256 bytes.
    pub path: String,
    /// Its `x-fal-request-id`.
    pub request_id: String,
    /// How long it has been in flight at the runner.
    #[serde(rename = "in_flight_seconds", serialize_with = "seconds")]
    pub in_flight: Duration,
    /// Whether its response has begun.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub response_begun: bool,
    /// What the host waits for its client to send or to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_wait: Option<ClientWait>,
}

/// The host waits for a client, and not for a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientWait {
    /// What the client is to send or to read.
    pub transfer: AwaitedTransfer,
    /// For how long the host has waited since the client last transferred enough
    /// ([S43a](fal_health::semantics#s43a)), to the tick of its clock: at most 1 s less.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub waited: Duration,
}

/// What a client is to send or to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AwaitedTransfer {
    /// It is to send the rest of the request.
    Request,
    /// It is to read the response.
    Response,
}

impl AwaitedTransfer {
    /// What the client does not do, as a part of a sentence.
    pub(crate) const fn missing(self) -> &'static str {
        match self {
            Self::Request => "does not send the rest of the request",
            Self::Response => "does not read the response",
        }
    }
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, request_id, in_flight, .. } = self;
        write!(f, "{method} {path} with the id {request_id}, in flight for {}", duration(*in_flight))
    }
}
