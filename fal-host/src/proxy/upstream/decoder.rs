//! Reads the body of a response up to its end.

use bytes::{Buf, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::{EMPTY_HEADER, Status};

use super::error::UpstreamError;

/// How long the line before a chunk may be, and how large the trailers, in bytes.
const MAX_LINE: usize = 16 * 1024;
const MAX_TRAILERS: usize = 16 * 1024;
const MAX_TRAILER_FIELDS: usize = 100;

/// How large a part of a body is at most, in bytes. The buffer from which parts are written to a client keeps its size as long as
/// the client is connected.
const MAX_PART: usize = 64 * 1024;

/// Reads the body of a response.
#[derive(Debug)]
pub(super) enum BodyDecoder {
    /// This many bytes follow, at least one.
    Length(u64),
    Chunked(Chunk),
    UntilClose,
    Ended,
}

/// What follows in a chunked body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chunk {
    /// The line with the size of a chunk.
    Size,
    /// This many bytes of a chunk, at least one.
    Data(u64),
    /// The line break after a chunk.
    End,
    /// The trailers, after the last chunk.
    Trailers,
}

/// A part of a body.
#[derive(Debug)]
pub(super) enum Part {
    /// The buffer begins with this many bytes of data, at least one. The caller removes them.
    Data(usize),
    Trailers(HeaderMap),
    /// The body has ended.
    End,
    /// More has to be received first.
    Incomplete,
}

impl BodyDecoder {
    /// Takes the next part of the body from what was received.
    pub(super) fn decode(&mut self, received: &mut BytesMut) -> Result<Part, UpstreamError> {
        loop {
            match self {
                Self::Ended => return Ok(Part::End),
                _ if received.is_empty() => return Ok(Part::Incomplete),
                Self::UntilClose => return Ok(Part::Data(count_data(received, &mut { u64::MAX }))),
                Self::Length(left) => {
                    let length = count_data(received, left);
                    if *left == 0 {
                        *self = Self::Ended;
                    }
                    return Ok(Part::Data(length));
                }
                Self::Chunked(Chunk::Data(left)) => {
                    let length = count_data(received, left);
                    if *left == 0 {
                        *self = Self::Chunked(Chunk::End);
                    }
                    return Ok(Part::Data(length));
                }
                Self::Chunked(chunk @ Chunk::Size) => match take_size(received)? {
                    None => return Ok(Part::Incomplete),
                    Some(0) => *chunk = Chunk::Trailers,
                    Some(size) => *chunk = Chunk::Data(size),
                },
                Self::Chunked(chunk @ Chunk::End) => match **received {
                    [b'\r', b'\n', ..] => {
                        received.advance(2);
                        *chunk = Chunk::Size;
                    }
                    [b'\r'] => return Ok(Part::Incomplete),
                    _ => return Err(UpstreamError::MalformedChunk),
                },
                Self::Chunked(Chunk::Trailers) => {
                    let Some(trailers) = take_trailers(received)? else { return Ok(Part::Incomplete) };
                    *self = Self::Ended;
                    return Ok(if trailers.is_empty() { Part::End } else { Part::Trailers(trailers) });
                }
            }
        }
    }

    /// The runner has closed the connection. Returns whether that is the end of the body.
    pub(super) fn close(&mut self) -> bool {
        if matches!(self, Self::UntilClose) {
            *self = Self::Ended;
        }
        self.is_ended()
    }

    pub(super) const fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    /// How many bytes follow, where that is known.
    pub(super) const fn remaining(&self) -> Option<u64> {
        match self {
            Self::Ended => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }
}

/// Counts the bytes of the next part: as many of the `left` bytes as there are, up to a whole part. Subtracts them from `left`.
fn count_data(received: &BytesMut, left: &mut u64) -> usize {
    let most = received.len().min(MAX_PART);
    let length = usize::try_from(*left).map_or(most, |left| left.min(most));
    *left -= length as u64;
    length
}

/// Takes the line with the size of a chunk, if all of it is there.
fn take_size(received: &mut BytesMut) -> Result<Option<u64>, UpstreamError> {
    // The parser takes a line without a size for one of size 0.
    if !received.first().is_some_and(u8::is_ascii_hexdigit) {
        return Err(UpstreamError::MalformedChunk);
    }
    match httparse::parse_chunk_size(received) {
        Ok(Status::Complete((length, size))) => {
            // Some peers end the line there.
            let line = received.iter().take(length);
            let has_line_feed = line.filter(|byte| **byte == b'\n').nth(1).is_some();
            received.advance(length);
            if has_line_feed { Err(UpstreamError::MalformedChunk) } else { Ok(Some(size)) }
        }
        Ok(Status::Partial) if received.len() <= MAX_LINE => Ok(None),
        _ => Err(UpstreamError::MalformedChunk),
    }
}

/// Takes the trailers and the empty line after them, if all of that is there.
fn take_trailers(received: &mut BytesMut) -> Result<Option<HeaderMap>, UpstreamError> {
    let mut fields = [EMPTY_HEADER; MAX_TRAILER_FIELDS];
    let (length, fields) = match httparse::parse_headers(received, &mut fields) {
        Ok(Status::Complete(parsed)) => parsed,
        Ok(Status::Partial) if received.len() <= MAX_TRAILERS => return Ok(None),
        _ => return Err(UpstreamError::MalformedChunk),
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        let (Ok(name), Ok(value)) = (name, value) else { return Err(UpstreamError::MalformedChunk) };
        trailers.append(name, value);
    }
    received.advance(length);
    Ok(Some(trailers))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data and the trailers of a chunked body that arrives in two pieces, and what follows it.
    fn decode(message: &[u8], cut: usize) -> Result<(Vec<u8>, usize, BytesMut), UpstreamError> {
        let (mut decoder, mut received) = (BodyDecoder::Chunked(Chunk::Size), BytesMut::new());
        let (mut data, mut trailers) = (Vec::new(), 0);
        let (first, second) = message.split_at(cut);
        for piece in [first, second] {
            received.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut received)? {
                    Part::Data(length) => data.extend_from_slice(&received.split_to(length)),
                    Part::Trailers(fields) => trailers += fields.len(),
                    Part::End | Part::Incomplete => break,
                }
            }
        }
        assert!(decoder.is_ended());
        Ok((data, trailers, received))
    }

    #[test]
    fn a_chunked_body_may_be_cut_anywhere_and_has_one_end_s45a_s45c() {
        let message = b"5;x=\"1\"\r\nhello\r\n00001\r\n!\r\n0\r\na: 1\r\nb: 2\r\n\r\n";
        for cut in 0..=message.len() {
            let (data, trailers, rest) = decode(message, cut).unwrap();
            assert_eq!((data.as_slice(), trailers, rest.len()), (&b"hello!"[..], 2, 0), "{cut}");
        }
        let (data, trailers, rest) = decode(b"1\r\n!\r\n0\r\n\r\nHTTP/1.1", 0).unwrap();
        assert_eq!((data.as_slice(), trailers, &rest[..]), (&b"!"[..], 0, &b"HTTP/1.1"[..]));
    }

    #[test]
    fn a_part_of_a_body_has_a_largest_size_s43h() {
        for mut decoder in [
            BodyDecoder::Length(200_000),
            BodyDecoder::Chunked(Chunk::Data(200_000)),
            BodyDecoder::UntilClose,
        ] {
            let mut received = BytesMut::zeroed(200_000);
            while !received.is_empty() {
                let Part::Data(length) = decoder.decode(&mut received).unwrap() else {
                    panic!("{decoder:?}")
                };
                assert!(0 < length && length <= MAX_PART);
                received.advance(length);
            }
        }
    }

    #[test]
    fn a_chunk_that_peers_may_read_in_different_ways_is_rejected_s45a() {
        for chunk in [
            "\r\n",
            ";x\r\n",
            " 5\r\n",
            "5\n",
            "5;a\n\r\n",
            "5\r\nhello",
            "5\r\nhello\nX",
            "-5\r\n",
            "0x5\r\n",
        ] {
            let mut decoder = BodyDecoder::Chunked(Chunk::Size);
            let mut received = BytesMut::from(format!("{chunk}!!").as_str());
            let outcome = loop {
                match decoder.decode(&mut received) {
                    Ok(Part::Data(length)) => received.advance(length),
                    outcome => break outcome,
                }
            };
            assert!(outcome.is_err(), "{chunk:?}");
        }
        for endless in
            ["5;".to_owned() + &"x".repeat(MAX_LINE), "0\r\na: ".to_owned() + &"x".repeat(MAX_TRAILERS)]
        {
            let mut decoder = BodyDecoder::Chunked(Chunk::Size);
            assert!(decoder.decode(&mut BytesMut::from(endless.as_str())).is_err());
        }
    }
}
