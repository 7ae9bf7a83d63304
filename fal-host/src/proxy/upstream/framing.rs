//! Where the body of a response ends (RFC 9112, 6.3).

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::decoder::{BodyDecoder, Chunk};
use super::error::UpstreamError;
use crate::proxy::hop_by_hop::{listed, members};

/// What the fields of a head say about the end of its message, and about the connection after it.
#[derive(Debug, Default)]
pub(super) struct Framing {
    is_chunked: bool,
    length: Option<u64>,
    /// Whether peers may see the end at different places, whatever the status is.
    is_ambiguous: bool,
    connection: Option<Connection>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Connection {
    KeepAlive,
    Close,
}

impl Framing {
    /// Takes one more `content-length` of the head into account.
    pub(super) fn note_length(&mut self, value: &[u8]) {
        for member in members(value) {
            let length = parse_length(member);
            self.is_ambiguous |= length.is_none() || self.length.is_some() && self.length != length;
            self.length = length;
        }
    }

    /// Takes one more field of the head into account, which is not `content-length`.
    pub(super) fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        match *name {
            TRANSFER_ENCODING => {
                let is_chunked = value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
                self.is_ambiguous |= self.is_chunked || !is_chunked;
                self.is_chunked = true;
            }
            CONNECTION => {
                for option in listed(value) {
                    if option.eq_ignore_ascii_case(b"close") {
                        self.connection = Some(Connection::Close);
                    } else if option.eq_ignore_ascii_case(b"keep-alive") {
                        self.connection = self.connection.max(Some(Connection::KeepAlive));
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether the connection stays open after the message.
    pub(super) fn keeps_alive(&self, is_http_1_1: bool) -> bool {
        self.connection.map_or(is_http_1_1, |connection| connection == Connection::KeepAlive)
    }

    /// Inserts the length, once if it is repeated.
    pub(super) fn insert_length(&self, headers: &mut HeaderMap) {
        if let Some(length) = self.length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
    }

    /// How the body of a response with this head is read. Rejects an end that is ambiguous (S45a).
    pub(super) fn decoder(
        &self,
        status: StatusCode,
        is_head: bool,
        is_http_1_1: bool,
    ) -> Result<BodyDecoder, UpstreamError> {
        if status.is_informational() {
            return Ok(BodyDecoder::Ended);
        }
        let is_ambiguous = self.is_chunked && (self.length.is_some() || !is_http_1_1);
        if self.is_ambiguous || is_ambiguous {
            return Err(UpstreamError::AmbiguousEnd);
        }
        Ok(match self.length {
            _ if is_head || has_no_content(status) => BodyDecoder::Ended,
            _ if self.is_chunked => BodyDecoder::Chunked(Chunk::Size),
            Some(0) => BodyDecoder::Ended,
            Some(length) => BodyDecoder::Length(length),
            None => BodyDecoder::UntilClose,
        })
    }
}

/// Whether a response with this status has no content, and so no length (RFC 9110, 8.6). A 304 may say the length that a 200 would
/// have had, which its client knows already.
pub(super) const fn has_no_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    // `parse` would also accept a sign.
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(fields: &[(&'static str, &'static str)]) -> Framing {
        let mut framing = Framing::default();
        for (name, value) in fields {
            match *name {
                "content-length" => framing.note_length(value.as_bytes()),
                name => framing.note(&HeaderName::from_static(name), &HeaderValue::from_static(value)),
            }
        }
        framing
    }

    fn decoder(fields: &[(&'static str, &'static str)], status: u16) -> Result<Option<u64>, UpstreamError> {
        let status = StatusCode::from_u16(status).unwrap();
        framing(fields).decoder(status, false, true).map(|decoder| decoder.remaining())
    }

    #[test]
    fn an_end_that_peers_may_see_at_different_places_is_rejected_s45a() {
        let (length, coding) = ("content-length", "transfer-encoding");
        assert_eq!(decoder(&[(length, "5")], 200).unwrap(), Some(5));
        assert_eq!(decoder(&[(length, "5, 5"), (length, "5")], 200).unwrap(), Some(5));
        assert_eq!(decoder(&[(coding, " Chunked")], 200).unwrap(), None);
        assert_eq!(decoder(&[], 200).unwrap(), None);
        assert_eq!(decoder(&[(length, "5")], 204).unwrap(), Some(0));
        assert_eq!(decoder(&[(length, "5"), (coding, "chunked")], 103).unwrap(), Some(0));
        for fields in [
            &[(length, "5"), (length, "6")][..],
            &[(length, "5, 6")],
            &[(length, "")],
            &[(length, "+5")],
            &[(length, "5,")],
            &[(length, "99999999999999999999")],
            &[(length, "x"), (length, "5")],
            &[(length, "5"), (coding, "chunked")],
            &[(coding, "gzip, chunked")],
            &[(coding, "gzip")],
            &[(coding, "chunked"), (coding, "chunked")],
            &[(coding, "chunked, chunked")],
            &[(coding, "identity")],
        ] {
            for status in [200, 204, 304, 404] {
                assert!(decoder(fields, status).is_err(), "{fields:?}");
            }
        }
        assert!(framing(&[(coding, "chunked")]).decoder(StatusCode::OK, false, false).is_err(), "HTTP/1.0");
    }

    #[test]
    fn a_connection_stays_open_unless_one_side_says_otherwise() {
        assert!(framing(&[]).keeps_alive(true));
        assert!(!framing(&[]).keeps_alive(false));
        assert!(framing(&[("connection", "Keep-Alive")]).keeps_alive(false));
        let both = [("connection", "x, close"), ("connection", "keep-alive")];
        assert!(!framing(&both).keeps_alive(true));
    }
}
