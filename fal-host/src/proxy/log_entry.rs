//! The log line of a request that the host fails.

use http::{HeaderValue, Request};

use super::error::ProxyError;
use super::upstream::UpstreamError;
use crate::RunnerId;

/// What is logged of a request that the host fails. Successful requests are not logged.
#[derive(Debug, Default)]
pub(super) struct LogEntry {
    /// The runner that it was last dispatched to.
    pub(super) runner: Option<RunnerId>,
    /// The error of its connection, where that is the cause.
    pub(super) error: Option<UpstreamError>,
}

/// How much of a path is logged, in bytes: a path can be as long as a whole head.
const MAX_PATH: usize = 256;

/// Writes one line. The level must be known at compile time, so this is a macro.
macro_rules! line {
    ($level:ident, $entry:expr, $request:expr, $id:expr, $error:expr) => {
        tracing::$level!(
            request_id = %$id.to_str().unwrap_or_default(),
            method = %format_args!("{:.32}", $request.method().as_str()),
            path = path_of($request),
            runner = $entry.runner.map(tracing::field::display),
            error_type = %$error.error_type(),
            error = $entry.error.as_ref().map(tracing::field::display),
            "{}", $error
        )
    };
}

impl LogEntry {
    /// Logs that a runner has lost the request, and that it is sent once more (S59).
    pub(super) fn write_retry<B>(&self, request: &Request<B>, id: &HeaderValue) {
        tracing::info!(
            request_id = %id.to_str().unwrap_or_default(),
            method = %format_args!("{:.32}", request.method().as_str()),
            path = path_of(request),
            runner = self.runner.map(tracing::field::display),
            error = self.error.as_ref().map(tracing::field::display),
            "the runner closed the connection before it answered: the request is sent once more"
        );
    }

    /// Logs a runner's failure as a warning. The host's own errors can be many, and are logged at level `debug`.
    pub(super) fn write<B>(&self, request: &Request<B>, id: &HeaderValue, error: ProxyError) {
        if error.is_of_runner() {
            line!(warn, self, request, id, error);
        } else {
            line!(debug, self, request, id, error);
        }
    }
}

/// The path without the query, which may contain secrets.
fn path_of<B>(request: &Request<B>) -> &str {
    let path = request.uri().path();
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
}
