//! Percent-encodes what the target of a request has, but no URL may have. Old clients send it, and servers take it.

/// Percent-encodes `<` and `>`, a `"` in the query and a `` ` `` in the path of the target of a request, as the bytes of its first line arrive (S45j).
///
/// HTTP's parser refuses them, so they are replaced before it. All other bytes pass as they are.
#[derive(Debug, Default)]
pub(super) struct TargetEncoder {
    part: LinePart,
    /// What follows what was read, because the encoded bytes need more room.
    pub(super) remainder: Vec<u8>,
}

/// The part of a request that arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LinePart {
    /// Empty lines may precede the first line.
    #[default]
    Start,
    Method,
    /// The target follows.
    Space,
    Path,
    Query,
    Rest,
}

impl TargetEncoder {
    /// A request follows.
    pub(super) fn begin(&mut self) {
        self.part = LinePart::Start;
    }

    /// The encoded form of bytes that have arrived, if they have something to encode.
    pub(super) fn encode(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.part == LinePart::Rest {
            return None;
        }
        let mut encoded: Option<Vec<u8>> = None;
        for (at, byte) in bytes.iter().enumerate() {
            let code = match (self.part, byte) {
                (LinePart::Path | LinePart::Query, b'<') => Some("%3C"),
                (LinePart::Path | LinePart::Query, b'>') => Some("%3E"),
                (LinePart::Path, b'`') => Some("%60"),
                (LinePart::Query, b'"') => Some("%22"),
                _ => None,
            };
            self.part = match (self.part, byte) {
                (LinePart::Start, b'\r' | b'\n') => LinePart::Start,
                (LinePart::Method, b' ') => LinePart::Space,
                (LinePart::Start | LinePart::Method, b'A'..=b'Z' | b'a'..=b'z' | b'-') => LinePart::Method,
                (LinePart::Space, b'/' | b'h' | b'H') => LinePart::Path,
                (LinePart::Path, b'?') => LinePart::Query,
                (part @ (LinePart::Path | LinePart::Query), byte) if !matches!(byte, b' ' | b'\n') => part,
                // The end of the target, or a part of a field: where the request began to arrive before the previous response was
                // complete.
                _ => LinePart::Rest,
            };
            match (code, &mut encoded) {
                (None, None) => {}
                (None, Some(encoded)) => encoded.push(*byte),
                (Some(code), encoded) => {
                    let encoded = encoded.get_or_insert_with(|| bytes.get(..at).unwrap_or_default().to_vec());
                    encoded.extend_from_slice(code.as_bytes());
                }
            }
            if self.part == LinePart::Rest {
                if let Some(encoded) = &mut encoded {
                    encoded.extend_from_slice(bytes.get(at + 1..).unwrap_or_default());
                }
                break;
            }
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a request that arrives in pieces of this size.
    fn encoded(request: &str, piece: usize) -> String {
        let mut encoder = TargetEncoder::default();
        let pieces = request.as_bytes().chunks(piece);
        let bytes =
            pieces.flat_map(|piece| encoder.encode(piece).unwrap_or_else(|| piece.to_vec())).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_the_target_is_encoded_however_it_is_cut_s45j() {
        let request = "\r\nGET /<\"a`?q=\"b\"&<c>=?` HTTP/1.1\r\nx: \"<>\r\n\r\n\"<>";
        let expected = "\r\nGET /%3C\"a%60?q=%22b%22&%3Cc%3E=?` HTTP/1.1\r\nx: \"<>\r\n\r\n\"<>";
        for piece in 1..=request.len() {
            assert_eq!(encoded(request, piece), expected, "{piece}");
        }
    }

    #[test]
    fn a_request_without_such_bytes_is_not_copied_s45j() {
        let mut encoder = TargetEncoder::default();
        assert_eq!(encoder.encode(b"GET /a?b=%22 HTTP/1.1\r\nx: \"\r\n\r\n"), None);
        assert_eq!(encoder.encode(b"\"<>"), None, "the body");
        encoder.begin();
        assert_eq!(encoder.encode(b"GET /?\" "), Some(b"GET /?%22 ".to_vec()));
    }

    #[test]
    fn a_part_of_a_field_is_no_target_s45j() {
        for part in [": </>", " </>", "a <b>", "(x) /<b>", "\" <", "gent: curl /<a>"] {
            let mut encoder = TargetEncoder::default();
            encoder.begin();
            assert_eq!(encoder.encode(part.as_bytes()), None, "{part}");
        }
    }
}
