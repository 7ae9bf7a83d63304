//! The log line of a request that the host fails.

use http::{HeaderValue, Method, Request, Uri};

use super::error::ProxyError;
use super::upstream::UpstreamError;
use crate::RunnerId;

/// What is logged of a request that the host fails. Successful requests are not logged.
#[derive(Debug)]
pub(super) struct LogEntry {
    method: Method,
    uri: Uri,
    /// The runner that it was last dispatched to.
    pub(super) runner: Option<RunnerId>,
    /// The error of its connection, where that is the cause.
    pub(super) error: Option<UpstreamError>,
}

/// How much of a path is logged, in bytes: a path can be as long as a whole head.
const MAX_PATH: usize = 256;

/// Writes one line. The level must be known at compile time, so this is a macro.
macro_rules! line {
    ($level:ident, $entry:expr, $id:expr, $error:expr) => {
        tracing::$level!(
            request_id = %$id.to_str().unwrap_or_default(),
            method = %format_args!("{:.32}", $entry.method.as_str()),
            path = $entry.path(),
            runner = $entry.runner.map(tracing::field::display),
            error_type = %$error.error_type(),
            error = $entry.error.as_ref().map(tracing::field::display),
            "{}", $error
        )
    };
}

impl LogEntry {
    /// Keeps what the log needs of a request. Its parts are shared: this reads no clock and does not allocate.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), uri: request.uri().clone(), runner: None, error: None }
    }

    /// The path without the query, which may contain secrets.
    fn path(&self) -> &str {
        let path = self.uri.path();
        path.get(..path.floor_char_boundary(MAX_PATH)).unwrap_or(path)
    }

    /// Logs a runner's failure as a warning. The host's own errors can be many, and are logged at level `debug`.
    pub(super) fn write(&self, id: &HeaderValue, error: ProxyError) {
        if error.is_of_runner() {
            line!(warn, self, id, error);
        } else {
            line!(debug, self, id, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_as_long_as_a_head_is_cut_and_has_no_query() {
        let path = |uri: &str| LogEntry::of(&Request::get(uri).body(()).unwrap()).path().to_owned();
        assert_eq!(path("/a/b?key=secret"), "/a/b");
        assert_eq!(path(&format!("/{}", "a".repeat(10_000))), format!("/{}", "a".repeat(255)));
    }
}
