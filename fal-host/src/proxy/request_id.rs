//! The id of a request, as a header.

use fal_health::protocol::{header, request_id};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the id, on requests and on responses.
pub(crate) static NAME: HeaderName = HeaderName::from_static(header::REQUEST_ID);

/// An id that no other request has.
pub(crate) fn new() -> HeaderValue {
    // Hexadecimal digits are always a header value.
    HeaderValue::try_from(request_id::new()).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// The client's own id if it is valid. Otherwise a new one, which replaces the client's in the headers.
pub(super) fn keep_or_make(headers: &mut HeaderMap) -> HeaderValue {
    let mut ids = headers.get_all(&NAME).iter();
    let (first, second) = (ids.next(), ids.next());
    let id = match first.filter(|id| request_id::is_valid(id.as_bytes())) {
        Some(id) if second.is_none() => return id.clone(),
        Some(id) => id.clone(),
        None => new(),
    };
    headers.insert(&NAME, id.clone());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(value: &[u8]) -> bool {
        let value = HeaderValue::from_bytes(value).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(&NAME, value.clone());
        let id = keep_or_make(&mut headers);
        assert_eq!(headers[&NAME], id);
        id == value
    }

    #[test]
    fn a_valid_id_of_a_client_is_kept_and_an_invalid_one_replaced() {
        assert!(kept(b"7d2c/a:1"));
        assert!(!kept(b"two words"));
    }

    #[test]
    fn a_request_without_an_id_gets_a_new_one() {
        let mut headers = HeaderMap::new();
        let first = keep_or_make(&mut headers);
        assert_eq!(headers[&NAME], first);
        assert!(request_id::is_valid(first.as_bytes()));
        assert_ne!(first, new());
    }
}
