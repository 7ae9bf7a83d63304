//! The id of a request, as a header.

use std::fmt;

use fal_health::protocol::{TRACEPARENT, header, request_id, trace_id};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The id of a request, which its response and its log lines repeat: the client's own if it is valid, or a new one.
///
/// Log lines also have the trace that the request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId {
    id: HeaderValue,
    traceparent: Option<HeaderValue>,
}

static NAME: HeaderName = HeaderName::from_static(header::REQUEST_ID);
static TRACE: HeaderName = HeaderName::from_static(TRACEPARENT);

impl RequestId {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        let (id, traceparent) = fields(request);
        Self { traceparent: traceparent.cloned(), ..id.map_or_else(Self::new, Self::from) }
    }

    /// The id that the request has, if it is valid.
    #[cfg(any(feature = "cli", feature = "cors"))]
    pub(crate) fn given(request: &HeaderMap) -> Option<Self> {
        let (id, traceparent) = fields(request);
        Some(Self { traceparent: traceparent.cloned(), ..Self::from(id?) })
    }

    /// An id that no other request has.
    pub(crate) fn new() -> Self {
        // Hexadecimal digits are always a header value.
        let id = HeaderValue::from_bytes(&request_id::new()).unwrap_or(HeaderValue::from_static("0"));
        Self { id, traceparent: None }
    }

    pub(crate) fn as_str(&self) -> &str {
        // A valid id is visible ASCII.
        self.id.to_str().unwrap_or_default()
    }

    /// The id of the trace that the request belongs to, if its client says so.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_ref().and_then(|value| trace_id(value.as_bytes()))
    }

    pub(crate) fn put_on(self, response: &mut HeaderMap) {
        response.insert(&NAME, self.id);
    }
}

/// The valid id and the trace that the headers have. They are few: to compare their names is faster than to hash two.
fn fields(request: &HeaderMap) -> (Option<&HeaderValue>, Option<&HeaderValue>) {
    let (mut id, mut traceparent) = (None, None);
    for (name, value) in request {
        if name == NAME {
            id = id.or(Some(value));
        } else if name == TRACE {
            traceparent = traceparent.or(Some(value));
        }
    }
    (id.filter(|id| request_id::is_valid(id.as_bytes())), traceparent)
}

impl From<&HeaderValue> for RequestId {
    fn from(id: &HeaderValue) -> Self {
        Self { id: id.clone(), traceparent: None }
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
