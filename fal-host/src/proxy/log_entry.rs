use http::{HeaderValue, Method, Request, Uri};

use super::refusal::Refusal;
use crate::RunnerId;

/// What the log has of a request that the host fails. Of one that succeeds nothing is written.
#[derive(Debug)]
pub(super) struct LogEntry {
    method: Method,
    uri: Uri,
    /// Who was given it last.
    pub(super) runner: Option<RunnerId>,
    /// What became of its connection, where that is the failure.
    pub(super) error: Option<hyper::Error>,
}

/// How much of a path is in the log, in bytes: a client's may be as long as a head.
const LONGEST_PATH: usize = 256;

/// One line of a level that is known when it is compiled, as tracing wants it.
macro_rules! line {
    ($level:ident, $entry:expr, $id:expr, $refusal:expr) => {
        tracing::$level!(
            request_id = %$id.to_str().unwrap_or_default(),
            method = %format_args!("{:.32}", $entry.method.as_str()),
            path = $entry.path(),
            runner = $entry.runner.map(tracing::field::display),
            error_type = %$refusal.error_type(),
            error = $entry.error.as_ref().map(tracing::field::display),
            "{}", $refusal
        )
    };
}

impl LogEntry {
    /// What is kept of a request, whose parts are shared: no clock is read, and nothing is allocated.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), uri: request.uri().clone(), runner: None, error: None }
    }

    /// Without the query, in which there may be secrets.
    fn path(&self) -> &str {
        let path = self.uri.path();
        path.get(..path.floor_char_boundary(LONGEST_PATH)).unwrap_or(path)
    }

    /// Writes it: a runner's failure as a warning. Whom the host refuses by itself may be many at once, and is told of only
    /// where somebody looks for it.
    pub(super) fn write(&self, id: &HeaderValue, refusal: Refusal) {
        if refusal.is_a_runners() {
            line!(warn, self, id, refusal);
        } else {
            line!(debug, self, id, refusal);
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
