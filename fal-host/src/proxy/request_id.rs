//! The id of a request, as a header.

use fal_health::protocol::{header, request_id};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the id, on requests and on responses.
pub(super) static NAME: HeaderName = HeaderName::from_static(header::REQUEST_ID);

/// An id that no other request has.
pub(super) fn new() -> HeaderValue {
    // Hexadecimal digits are always a header value.
    HeaderValue::from_bytes(&request_id::new()).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// The value of a field that has no number in the `http` crate. A message has few fields: to compare their names is faster than to hash this one.
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    headers.iter().find_map(|(other, value)| (other == name).then_some(value))
}

/// The client's own id if it is valid, or a new one.
pub(super) fn keep_or_make(headers: &HeaderMap) -> HeaderValue {
    let own = find(headers, &NAME);
    own.filter(|id| request_id::is_valid(id.as_bytes())).cloned().unwrap_or_else(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(value: &[u8]) -> bool {
        let value = HeaderValue::from_bytes(value).unwrap();
        keep_or_make(&HeaderMap::from_iter([(NAME.clone(), value.clone())])) == value
    }

    #[test]
    fn a_valid_id_of_a_client_is_kept_and_an_invalid_one_replaced() {
        assert!(kept(b"7d2c/a:1"));
        assert!(!kept(b"two words"));
    }

    #[test]
    fn a_request_without_an_id_gets_a_new_one() {
        let first = keep_or_make(&HeaderMap::new());
        assert!(request_id::is_valid(first.as_bytes()));
        assert_ne!(first, new());
    }
}
