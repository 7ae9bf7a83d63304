//! Web pages that may read what the host itself answers: the errors that no runner has seen.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue};

static ANY: HeaderValue = HeaderValue::from_static("*");

/// The origins of such pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<HeaderValue>);

impl Origins {
    /// `*` is every origin. What cannot be a header's value is no page's origin.
    pub(crate) fn new(origins: &[String]) -> Self {
        Self(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    /// Who may read the answer to a request with these headers.
    pub(super) fn reader(&self, headers: &HeaderMap) -> Reader {
        if self.0.is_empty() {
            return Reader(None);
        }
        let origin = headers.get(ORIGIN).unwrap_or(&ANY);
        let known = self.0.iter().find(|known| **known == ANY || **known == origin);
        Reader(known.cloned())
    }
}

/// The origin that may read an answer, if there is one; `*` is any.
#[derive(Debug)]
pub(super) struct Reader(Option<HeaderValue>);

impl Reader {
    /// Says so in the answer, as the runners do in theirs.
    pub(super) fn admit(self, answer: &mut HeaderMap) {
        let Some(origin) = self.0 else { return };
        if origin == ANY {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANY.clone());
        } else {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            answer.insert(VARY, HeaderValue::from_static("origin"));
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}
