//! The id of a request, as a header.

use std::fmt;

use fal_health::protocol::{header, request_id};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The id of a request, which its response and its log lines repeat: the client's own if it is valid, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

static NAME: HeaderName = HeaderName::from_static(header::REQUEST_ID);

impl RequestId {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        Self::given(request).unwrap_or_else(Self::new)
    }

    /// The id that the request has, if it is valid.
    pub(crate) fn given(request: &HeaderMap) -> Option<Self> {
        request.get(&NAME).filter(|id| request_id::is_valid(id.as_bytes())).cloned().map(Self)
    }

    /// An id that no other request has.
    pub(crate) fn new() -> Self {
        // Hexadecimal digits are always a header value.
        Self(HeaderValue::try_from(request_id::new()).unwrap_or(HeaderValue::from_static("0")))
    }

    pub(crate) fn as_str(&self) -> &str {
        // A valid id is visible ASCII.
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn put_on(self, response: &mut HeaderMap) {
        response.insert(&NAME, self.0);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn given(id: &str) -> String {
        RequestId::of(&HeaderMap::from_iter([(NAME.clone(), HeaderValue::from_str(id).unwrap())])).to_string()
    }

    #[test]
    fn a_request_keeps_its_own_id() {
        assert_eq!(given("0b7c-42"), "0b7c-42");
    }

    #[test]
    fn an_id_that_would_spoil_a_log_line_is_replaced() {
        for id in ["", "two words", &"x".repeat(129)] {
            assert_eq!(given(id).len(), 32, "{id:?}");
        }
    }

    #[test]
    fn a_request_without_one_gets_its_own() {
        let ids: HashSet<_> = (0..1000).map(|_| RequestId::of(&HeaderMap::new()).to_string()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
