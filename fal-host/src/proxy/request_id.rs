//! The name of a request, by which a client, the host's log and the runner's log speak of the same one.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it, on requests and on responses.
pub(crate) static NAME: HeaderName = HeaderName::from_static("x-fal-request-id");

/// A longer one from a client is replaced: it would be repeated in every log line.
const MAX_LENGTH: usize = 128;

/// An id that no other request of any host has: a random number of this process, and a counter.
pub(crate) fn fresh() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static NEXT: AtomicU64 = AtomicU64::new(1);

    let id = format!("{:016x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed));
    // Hexadecimal digits and a dash are always a header value.
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// The client's own id if it is one, or else a fresh one, which is then in the headers instead.
pub(super) fn keep_or_make(headers: &mut HeaderMap) -> HeaderValue {
    if let Some(id) = headers.get(&NAME).filter(|id| is_sane(id)) {
        return id.clone();
    }
    let id = fresh();
    headers.insert(&NAME, id.clone());
    id
}

/// Visible ASCII, not empty, and not too long.
fn is_sane(id: &HeaderValue) -> bool {
    (1..=MAX_LENGTH).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
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
    fn a_clients_own_id_is_kept_if_it_is_visible_ascii_of_at_most_128_bytes() {
        assert!(kept(b"7d2c/a:1"));
        assert!(kept(&[b'a'; 128]));
        for strange in [&b""[..], b"two words", "gr\u{fc}n".as_bytes(), &[b'a'; 129]] {
            assert!(!kept(strange), "{strange:?}");
        }
    }

    #[test]
    fn a_request_without_an_id_gets_one_that_no_other_has() {
        let mut headers = HeaderMap::new();
        let first = keep_or_make(&mut headers);
        assert_eq!(headers[&NAME], first);
        assert!(is_sane(&first));
        assert_ne!(first, fresh());
    }
}
