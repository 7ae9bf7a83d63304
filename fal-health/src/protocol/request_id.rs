//! Request ids, by which a client, the host's log and the runner's log name the same request.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest id that is taken from a client, in bytes: every log line of the request repeats it.
pub const MAX_LEN: usize = 128;

/// Whether an id from outside is kept: visible ASCII, from 1 to [`MAX_LEN`] bytes. Any other is replaced by a
/// [`new`] one, since it would spoil a log line.
pub fn is_valid(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// An id that no other request has: 32 hexadecimal digits, of a random number of this process and a counter.
pub fn new() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNT: AtomicU64 = AtomicU64::new(1);

    let numbers = [*PROCESS, COUNT.fetch_add(1, Ordering::Relaxed)];
    // Every request needs an id, and `format!` takes ten times as long.
    let mut id = Vec::with_capacity(32);
    for byte in numbers.into_iter().flat_map(u64::to_be_bytes) {
        id.extend_from_slice(&[hexadecimal(byte >> 4), hexadecimal(byte & 0xf)]);
    }
    String::from_utf8(id).unwrap_or_default()
}

const fn hexadecimal(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_valid_id_is_visible_ascii_of_at_most_128_bytes() {
        assert!(is_valid(b"7d2c/a:1"));
        assert!(is_valid(&[b'a'; 128]));
        for invalid in [&b""[..], b"two words", "gr\u{fc}n".as_bytes(), b"a\x7f", &[b'a'; 129]] {
            assert!(!is_valid(invalid), "{invalid:?}");
        }
    }

    #[test]
    fn new_ids_are_valid_and_differ() {
        let ids: HashSet<_> = (0..1000).map(|_| new()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32 && is_valid(id.as_bytes())));
        assert!(ids.iter().flat_map(|id| id.chars()).all(|digit| digit.is_ascii_hexdigit()));
    }
}
