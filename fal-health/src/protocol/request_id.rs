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

/// An id that no other request has: 32 hexadecimal digits in ASCII, of a random number of this process and a counter.
pub fn new() -> [u8; 32] {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNT: AtomicU64 = AtomicU64::new(1);

    let mut id = [0; 32];
    let (process, count) = id.split_at_mut(16);
    process.copy_from_slice(&hexadecimal(*PROCESS));
    count.copy_from_slice(&hexadecimal(COUNT.fetch_add(1, Ordering::Relaxed)));
    id
}

/// The sixteen hexadecimal digits of a number, in ASCII.
///
/// Every request needs an id. So this computes all digits at once, each in a byte of one integer.
const fn hexadecimal(number: u64) -> [u8; 16] {
    const fn every_byte(byte: u8) -> u128 {
        u128::from_ne_bytes([byte; 16])
    }
    let mut digits = number as u128;
    digits = (digits | digits << 32) & 0x0000_0000_ffff_ffff_0000_0000_ffff_ffff;
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff_0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & every_byte(0x0f);
    // 1 in the bytes of the digits from `a`.
    let letters = ((digits + every_byte(6)) >> 4) & every_byte(1);
    (digits + every_byte(b'0') + letters * (b'a' - b'0' - 10) as u128).to_be_bytes()
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
        assert!(ids.iter().flatten().all(u8::is_ascii_hexdigit));
    }

    #[test]
    fn a_number_is_written_in_hexadecimal_digits() {
        for number in [0, 1, 0x9a, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(hexadecimal(number), format!("{number:016x}").as_bytes(), "{number:x}");
        }
    }
}
