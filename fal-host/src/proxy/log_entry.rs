//! What the log says about a request: a line if the host fails it, and its line in the access log.

use fal_health::protocol::trace_id;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use super::error::ProxyError;
use super::loss::Loss;
use super::request_id::{RequestIdField, find};
use super::upstream::UpstreamError;
use crate::RunnerId;

/// What is logged of a request. A successful one is logged only in the access log.
#[derive(Debug, Default)]
pub(super) struct LogEntry {
    /// The runner that it was last dispatched to.
    pub(super) runner: Option<RunnerId>,
    /// The error of its connection, where that is the cause.
    pub(super) error: Option<UpstreamError>,
    /// The trace that it belongs to, as the header says.
    traceparent: Option<HeaderValue>,
}

static TRACEPARENT: HeaderName = HeaderName::from_static(fal_health::protocol::TRACEPARENT);

/// How much of a path is shown, in bytes: a path can be as long as a whole head.
const MAX_PATH: usize = 256;

/// How much of a method is shown, in bytes: a method can be any word.
const MAX_METHOD: usize = 32;

/// Writes one line. The level must be known at compile time, so this is a macro.
macro_rules! line {
    ($level:ident, $entry:expr, $request:expr, $id:expr, $error:expr) => {
        tracing::$level!(
            request_id = %$id,
            trace_id = $entry.trace_id(),
            method = %method_of($request.method()),
            path = path_of($request),
            runner = $entry.runner.map(tracing::field::display),
            error_type = %$error.error_type(),
            error = $entry.error.as_ref().map(tracing::field::display),
            "{}", $error
        )
    };
}

impl LogEntry {
    /// A request with this head. Sending the request removes its fields.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        Self { traceparent: find(headers, &TRACEPARENT).cloned(), ..Self::default() }
    }

    /// The trace that the request belongs to, if its client says so (S83c).
    pub(super) fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_ref().and_then(|value| trace_id(value.as_bytes()))
    }

    /// Logs that a runner has lost the request, and that it is sent once more (S59).
    pub(super) fn write_retry<B>(&self, request: &Request<B>, id: &RequestIdField, loss: Loss) {
        tracing::info!(
            request_id = %id,
            trace_id = self.trace_id(),
            method = %method_of(request.method()),
            path = path_of(request),
            runner = self.runner.map(tracing::field::display),
            error = self.error.as_ref().map(tracing::field::display),
            "{loss}. The request is sent once more."
        );
    }

    /// Logs a runner's failure as a warning. The host's own errors can be many, and are logged at level `debug`.
    pub(super) fn write<B>(&self, request: &Request<B>, id: &RequestIdField, error: ProxyError) {
        if error.is_of_runner() {
            line!(warn, self, request, id, error);
        } else {
            line!(debug, self, request, id, error);
        }
    }
}

/// The path without the query, which may contain secrets.
pub(super) fn path_of<B>(request: &Request<B>) -> &str {
    cut(request.uri().path())
}

/// The part of a method that is shown.
pub(super) fn method_of(method: &Method) -> &str {
    let method = method.as_str();
    method.get(..MAX_METHOD).unwrap_or(method)
}

/// The part of a path that is shown.
pub(super) fn cut(path: &str) -> &str {
    path.get(..path.floor_char_boundary(MAX_PATH)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_as_long_as_a_head_is_cut_and_has_no_query() {
        let path = |uri: &str| path_of(&Request::get(uri).body(()).unwrap()).to_owned();
        assert_eq!(path("/a/b?key=secret"), "/a/b");
        assert_eq!(path(&format!("/{}", "a".repeat(10_000))), format!("/{}", "a".repeat(255)));
    }

    #[test]
    fn a_method_that_is_as_long_as_a_head_is_cut() {
        assert_eq!(method_of(&Method::GET), "GET");
        let long = Method::from_bytes("A".repeat(10_000).as_bytes()).unwrap();
        assert_eq!(method_of(&long), "A".repeat(32));
    }
}
