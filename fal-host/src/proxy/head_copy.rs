//! A copy of the head that a client sends. It shows what hyper removes from a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How much memory for heads a connection keeps, in bytes.
const KEPT: usize = 1024;

/// The head of the request that arrives, or has just arrived.
///
/// hyper removes `content-length` from a request with a transfer coding. Whether it was there is only in the bytes. Where a client
/// sends a request before it has the response to the previous one, the copy may lack the beginning of the head, or all of it.
#[derive(Debug)]
pub(super) struct HeadCopy {
    bytes: Mutex<Vec<u8>>,
    /// Whether nothing has been read since the last request.
    is_awaited: AtomicBool,
    /// Whether the copy has more memory than a connection keeps.
    is_large: AtomicBool,
}

impl Default for HeadCopy {
    fn default() -> Self {
        Self { bytes: Mutex::default(), is_awaited: AtomicBool::new(true), is_large: AtomicBool::new(false) }
    }
}

impl HeadCopy {
    /// Bytes have arrived: of a head, and maybe of what follows it. Returns whether the head begins with them.
    pub(super) fn append(&self, bytes: &[u8]) -> bool {
        let begins = self.is_awaited();
        let mut copy = self.lock();
        if begins {
            self.is_awaited.store(false, Ordering::Relaxed);
            copy.clear();
        }
        copy.extend_from_slice(bytes);
        self.is_large.store(copy.capacity() > KEPT, Ordering::Relaxed);
        begins
    }

    /// The head has become a request, and the copy is of no use any more.
    pub(super) fn end(&self) {
        self.is_awaited.store(true, Ordering::Relaxed);
        if self.is_large.load(Ordering::Relaxed) {
            self.is_large.store(false, Ordering::Relaxed);
            *self.lock() = Vec::new();
        }
    }

    /// Whether nothing has been read since the last request.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }

    /// Whether the head is known to have the field `content-length`.
    pub(super) fn has_length(&self) -> bool {
        !self.is_awaited() && has_length(&self.lock())
    }

    /// Whether the head is known to be one of OPTIONS for a URL without a path and a query.
    pub(super) fn has_no_path(&self) -> bool {
        !self.is_awaited() && has_no_path(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a head, which may lack its beginning, has the field `content-length`.
///
/// The first line is the request line or a part of a field. If it is empty, it may end the head: then what follows may be a body.
fn has_length(head: &[u8]) -> bool {
    let lines = head.split_inclusive(|byte| *byte == b'\n');
    let mut lines = lines.take_while(|line| !matches!(*line, b"\r\n" | b"\n"));
    lines.next();
    lines.any(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"content-length")
    })
}

/// Whether a head, which may lack its beginning, is one of OPTIONS for a URL without a path and a query.
fn has_no_path(head: &[u8]) -> bool {
    let line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let target = line.strip_prefix(b"OPTIONS ").unwrap_or_default();
    let target = target.split(|byte| *byte == b' ').next().unwrap_or_default();
    let mut parts = target.splitn(2, |byte| *byte == b':');
    let is_url = parts
        .next()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https"));
    let rest = parts.next().and_then(|rest| rest.strip_prefix(b"//"));
    is_url && rest.is_some_and(|rest| !rest.iter().any(|byte| matches!(byte, b'/' | b'?')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_path_is_told_from_one_with_the_path_of_a_slash_s45e() {
        for head in ["OPTIONS http://a HTTP/1.1\r\nx: /", "\r\nOPTIONS HTTPS://a:1 HTTP/1.1\r\n"] {
            assert!(has_no_path(head.as_bytes()), "{head}");
        }
        for head in [
            "OPTIONS http://a/ HTTP/1.1\r\n",
            "OPTIONS http://a?b HTTP/1.1\r\n",
            "OPTIONS / HTTP/1.1\r\n",
            "OPTIONS * HTTP/1.1\r\n",
            // Without its beginning.
            "http://a HTTP/1.1\r\n",
            "x: http://a b\r\n",
            "",
        ] {
            assert!(!has_no_path(head.as_bytes()), "{head}");
        }
    }

    #[test]
    fn a_length_is_seen_only_in_the_fields_of_a_head_s45a() {
        assert!(has_length(b"POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 5\r\n\r\n"));
        assert!(has_length(b"POST / HTTP/1.1\ncontent-length: 5\n\n"));
        for head in [
            "POST / HTTP/1.1\r\nhost: a\r\n\r\n5\r\ncontent-length: 5\r\n",
            "POST / HTTP/1.1\nhost: a\n\ncontent-length: 5\n",
            "POST / HTTP/1.1\r\nx-content-length: 5\r\ncontent-length-x: 5\r\n\r\n",
            "POST /content-length: HTTP/1.1\r\nx: content-length: 5\r\n\r\n",
            // The end of a head whose beginning is unknown.
            "content-length: 5\r\nhost: a\r\n\r\n",
            "\r\ncontent-length: 5\r\n\r\n",
            "\ncontent-length: 5\r\n\r\n",
            "",
        ] {
            assert!(!has_length(head.as_bytes()), "{head:?}");
        }
    }

    #[test]
    fn a_copy_is_of_one_head_and_keeps_little_memory_s45a_s43h() {
        let copy = HeadCopy::default();
        assert!(copy.append(b"POST / HTTP/1.1\r\nconte"));
        assert!(!copy.has_length());
        assert!(!copy.append(b"nt-length: 5\r\n\r\n"));
        assert!(copy.has_length());
        copy.end();
        assert!(!copy.has_length(), "the next head arrived together with this one");
        assert!(copy.append(&[b'x'; 8 * 1024]));
        assert!(!copy.has_length());
        copy.end();
        assert!(copy.lock().capacity() <= KEPT);
    }
}
