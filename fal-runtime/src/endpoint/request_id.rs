use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// What ties a request, its response and its log lines together: taken from the request where it has one, or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

const NAME: HeaderName = HeaderName::from_static("x-fal-request-id");

/// A longer one is not taken: it goes into every log line.
const LONGEST: usize = 128;

impl RequestId {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        Self::given(request).unwrap_or_else(Self::new)
    }

    /// The one that the request has.
    pub(crate) fn given(request: &HeaderMap) -> Option<Self> {
        request.get(NAME).filter(|id| is_sound(id.as_bytes())).cloned().map(Self)
    }

    /// 128 bits as 32 hexadecimal digits: a count, hashed with the process's own random keys.
    pub(crate) fn new() -> Self {
        static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}{:016x}", KEYS.0.hash_one(count), KEYS.1.hash_one(count));
        // Hexadecimal digits are a header's value.
        Self(HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none")))
    }

    pub(crate) fn as_str(&self) -> &str {
        // It is visible ASCII, taken or made.
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn put_on(self, response: &mut HeaderMap) {
        response.insert(NAME, self.0);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_sound(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn given(id: &str) -> String {
        RequestId::of(&HeaderMap::from_iter([(NAME, HeaderValue::from_str(id).unwrap())])).to_string()
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
