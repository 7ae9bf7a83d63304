//! Which version of HTTP a client speaks.

use std::io;
use std::task::{Context, Poll};

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::client::Client;
use super::timer::Wait;

/// What every client of HTTP/2 sends first (RFC 9113, 3.4).
#[cfg(feature = "http2")]
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A protocol of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    #[cfg(feature = "http2")]
    Http2,
}

impl Protocol {
    /// Waits until it is known which protocol a client speaks. Returns nothing if that takes longer than the limit for heads.
    ///
    /// `seen` is the length of what has arrived so far of a beginning that may be either.
    pub(super) fn poll(client: &Client, seen: &mut usize, cx: &mut Context<'_>) -> Poll<Option<Self>> {
        while client.stream().poll_read_ready(cx).is_ready() {
            // tokio reports a new connection as readable until a read has found it empty.
            if let Some(protocol) = Self::peek(client.stream(), seen) {
                return Poll::Ready(Some(protocol));
            }
        }
        client.timer.poll(Wait::Head, cx).map(|()| None)
    }

    /// The protocol of a client, by what has arrived and is not consumed. Nothing if that is not enough yet: then the stream
    /// is not readable until more arrives. `seen` is the length of what had arrived the last time.
    fn peek(stream: &TcpStream, seen: &mut usize) -> Option<Self> {
        let peeked = stream.try_io(Interest::READABLE, || {
            let mut first = [0; Self::DISTINCT];
            let (length, _) = rustix::net::recv(stream, &mut first, RecvFlags::PEEK)?;
            let first = first.get(..length).unwrap_or_default();
            // The same again means that no more follows.
            let is_last = std::mem::replace(seen, length) == length;
            Self::of(first).or(is_last.then_some(Self::Http1)).ok_or(io::ErrorKind::WouldBlock.into())
        });
        match peeked {
            Ok(protocol) => Some(protocol),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            // Reading finds the error again.
            Err(_) => Some(Self::Http1),
        }
    }

    /// How many bytes tell the protocols apart: no method of HTTP/1.1 begins with `PRI`.
    const DISTINCT: usize = 3;

    /// The protocol of a client that begins with these bytes, if they are enough to tell.
    #[cfg(feature = "http2")]
    fn of(first: &[u8]) -> Option<Self> {
        match first {
            [] => Some(Self::Http1),
            first if !PREFACE.starts_with(first) => Some(Self::Http1),
            first if first.len() < Self::DISTINCT => None,
            _ => Some(Self::Http2),
        }
    }

    #[cfg(not(feature = "http2"))]
    #[expect(clippy::unnecessary_wraps, reason = "with HTTP/2 it may be undecided")]
    const fn of(_: &[u8]) -> Option<Self> {
        Some(Self::Http1)
    }
}

#[cfg(all(test, feature = "http2"))]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_tell_http_2_from_every_method_s51a() {
        assert_eq!(Protocol::of(b"PRI"), Some(Protocol::Http2));
        for undecided in [&b"P"[..], b"PR"] {
            assert_eq!(Protocol::of(undecided), None);
        }
        for http1 in [&b""[..], b"G", b"GET", b"PO", b"PRO", b"\x16\x03"] {
            assert_eq!(Protocol::of(http1), Some(Protocol::Http1));
        }
    }
}
