//! What a host reads of a request's head itself, before its HTTP parser does: the target that it encodes, and the length that
//! the parser hides.
//!
//! An input is cut into pieces, as it may arrive. The pieces may not matter, and httparse must agree.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../fal-host/src/proxy/head_copy.rs"]
mod head_copy;
#[path = "../../fal-host/src/proxy/target_encoder.rs"]
mod target_encoder;

use head_copy::HeadCopy;
use target_encoder::TargetEncoder;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (cuts, head) = input;
    let pieces = pieces(&head, &cuts);
    check_encoder(&head, &pieces);
    check_length(&head, &pieces);
});

/// Cuts bytes into pieces of these lengths. The last piece is the rest.
fn pieces<'a>(mut bytes: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, rest) = bytes.split_at(usize::from(*length).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn check_encoder(head: &[u8], pieces: &[&[u8]]) {
    let mut encoder = TargetEncoder::default();
    encoder.begin();
    let encoded: Vec<u8> =
        pieces.iter().flat_map(|piece| encoder.encode(piece).unwrap_or_else(|| piece.to_vec())).collect();
    assert!(encoder.remainder.is_empty(), "only the reader of the bytes keeps some");
    assert_eq!(encoded, encode(head), "{}", head.escape_ascii());
    // A request that the parser takes as it is stays as it is, except for the bytes that are encoded.
    if let Some(target) = target_of(head)
        && !target.contains(['<', '>', '"', '`'])
    {
        assert_eq!(encoded, head);
    }
}

/// What the encoder should make of a whole head, written down in another way.
fn encode(head: &[u8]) -> Vec<u8> {
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let is_method = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'-';
    let method = head[start..].iter().take_while(is_method).count();
    let target = start + method + 1;
    let begins = method > 0
        && head.get(target - 1) == Some(&b' ')
        && matches!(head.get(target), Some(b'/' | b'h' | b'H'));
    if !begins {
        return head.to_vec();
    }
    let end = head[target..].iter().position(|byte| matches!(byte, b' ' | b'\n'));
    let end = end.map_or(head.len(), |length| target + length);
    let query = head[target..end].iter().position(|byte| *byte == b'?');
    let query = query.map_or(end, |length| target + length);
    let mut encoded = head[..target].to_vec();
    for (at, byte) in head[target..end].iter().enumerate() {
        let in_path = target + at <= query;
        match byte {
            b'<' => encoded.extend_from_slice(b"%3C"),
            b'>' => encoded.extend_from_slice(b"%3E"),
            b'`' if in_path => encoded.extend_from_slice(b"%60"),
            b'"' if !in_path => encoded.extend_from_slice(b"%22"),
            _ => encoded.push(*byte),
        }
    }
    encoded.extend_from_slice(&head[end..]);
    encoded
}

/// The target of a head that the parser takes.
fn target_of(head: &[u8]) -> Option<String> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut fields);
    request.parse(head).ok()?.is_complete().then(|| request.path.map(str::to_owned))?
}

fn check_length(head: &[u8], pieces: &[&[u8]]) {
    let copy = HeadCopy::default();
    for (index, piece) in pieces.iter().enumerate() {
        assert_eq!(copy.append(piece), index == 0);
    }
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut fields);
    if !request.parse(head).is_ok_and(|parsed| parsed.is_complete()) {
        return;
    }
    let has_length = request.headers.iter().any(|field| field.name.eq_ignore_ascii_case("content-length"));
    if head.starts_with(b"\r") || head.starts_with(b"\n") {
        // Behind an empty line a copy is not believed.
        assert!(!copy.has_length() || has_length, "{}", head.escape_ascii());
    } else {
        assert_eq!(copy.has_length(), has_length, "{}", head.escape_ascii());
    }
    copy.end();
    assert!(!copy.has_length());
}
