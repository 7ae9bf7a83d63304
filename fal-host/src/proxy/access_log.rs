//! The access log: one line for each request (S83b).

use std::time::Duration;

use fal_health::protocol::HostErrorType;
use http::{HeaderValue, Method, Request, StatusCode};

use super::log_entry::{LogEntry, method_of, path_of};
#[cfg(feature = "http2")]
use super::refusal_counts::TOO_MANY_FRAMES;
use super::request_id::RequestIdField;

/// The target of the lines in filters.
const TARGET: &str = "fal_host::access";

/// What a line says that is known when the request arrives.
#[derive(Debug)]
pub(super) struct AccessLogEntry {
    client: HeaderValue,
    path: String,
    id: RequestIdField,
}

/// How a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    /// Its whole response was passed on.
    Completed,
    /// The host has answered it with an error of its own.
    Error(HostErrorType),
    /// The client left before the end of its response.
    ClientLeft,
    /// The host cut the client off, which sent too many frames of HTTP/2 (S51d).
    #[cfg(feature = "http2")]
    TooManyFrames,
    /// The runner broke off its response.
    ResponseBroken,
}

impl RequestOutcome {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Error(error_type) => error_type.as_str(),
            Self::ClientLeft => "client_left",
            #[cfg(feature = "http2")]
            Self::TooManyFrames => TOO_MANY_FRAMES,
            Self::ResponseBroken => "response_broken",
        }
    }
}

/// What a line says that is known when the request has ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) method: &'a Method,
    pub(super) endpoint: &'a str,
    pub(super) status: Option<StatusCode>,
    pub(super) bytes: u64,
    pub(super) duration: Duration,
    pub(super) queue: Duration,
    pub(super) runner: Duration,
    pub(super) outcome: RequestOutcome,
}

impl AccessLogEntry {
    pub(super) fn new<B>(client: &HeaderValue, request: &Request<B>, id: &RequestIdField) -> Self {
        Self { client: client.clone(), path: path_of(request).to_owned(), id: id.clone() }
    }

    pub(super) fn write(&self, entry: &LogEntry, ended: &Ended<'_>) {
        tracing::info!(
            target: TARGET,
            client = self.client.to_str().unwrap_or_default(),
            method = %method_of(ended.method),
            path = self.path,
            endpoint = ended.endpoint,
            status = ended.status.map(|status| status.as_u16()),
            bytes = ended.bytes,
            duration_ms = milliseconds(ended.duration),
            queue_ms = milliseconds(ended.queue),
            runner_ms = milliseconds(ended.runner),
            runner = entry.runner.map(tracing::field::display),
            request_id = self.id.as_str(),
            trace_id = entry.trace_id(),
            outcome = ended.outcome.name(),
            "request"
        );
    }
}

/// Milliseconds, to the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
