//! The id of a request, as a header.

use std::fmt;

use fal_health::protocol::{header, request_id};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::hop_by_hop::is_usual;

/// The header that carries the id, on requests and on responses.
pub(super) static NAME: HeaderName = HeaderName::from_static(header::REQUEST_ID);

/// The id of a request. Most requests bring none and get one, which is copied without memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestIdField(Source);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Client(HeaderValue),
    Host([u8; 32]),
}

impl RequestIdField {
    /// An id that no other request has.
    pub(super) fn new() -> Self {
        Self(Source::Host(request_id::new()))
    }

    /// The client's own id if it is valid, or a new one.
    pub(super) fn keep_or_make(headers: &HeaderMap) -> Self {
        let own = find(headers, &NAME).filter(|id| request_id::is_valid(id.as_bytes()));
        own.map_or_else(Self::new, |id| Self(Source::Client(id.clone())))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Source::Client(id) => id.as_bytes(),
            Source::Host(id) => id,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        // A valid id is visible ASCII.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(super) fn put_on(&self, headers: &mut HeaderMap) {
        let value = match &self.0 {
            Source::Client(id) => Ok(id.clone()),
            Source::Host(id) => HeaderValue::from_bytes(id),
        };
        // Hexadecimal digits are always a header value.
        if let Ok(value) = value {
            headers.insert(&NAME, value);
        }
    }
}

impl fmt::Display for RequestIdField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value of a field that has no number in the `http` crate. A message has few fields: to compare their names is faster than to hash this one.
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    headers.iter().find_map(|(other, value)| (!is_usual(other) && other == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(value: &[u8]) -> bool {
        let field = (NAME.clone(), HeaderValue::from_bytes(value).unwrap());
        RequestIdField::keep_or_make(&HeaderMap::from_iter([field])).as_bytes() == value
    }

    #[test]
    fn a_valid_id_of_a_client_is_kept_and_an_invalid_one_replaced() {
        assert!(kept(b"7d2c/a:1"));
        assert!(!kept(b"two words"));
    }

    #[test]
    fn a_request_without_an_id_gets_a_new_one() {
        let first = RequestIdField::keep_or_make(&HeaderMap::new());
        assert!(request_id::is_valid(first.as_bytes()));
        assert_ne!(first, RequestIdField::new());
    }
}
