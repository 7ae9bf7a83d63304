//! Parses the heads of responses.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use fal_health::protocol::header::REQUEST_ID;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::{ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use super::decoder::BodyDecoder;
use super::error::{MAX_HEAD, MAX_RESPONSE_FIELDS, UpstreamError};
use super::framing::{Framing, has_no_content};

/// The head of a response, without its fields.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    /// The reason phrase, where it is not the usual one of the status.
    pub(super) reason: Option<ReasonPhrase>,
    pub(super) body: BodyDecoder,
    /// Whether the runner keeps the connection open after the response.
    pub(super) keeps_alive: bool,
}

/// Where the name and the value of a field are in the head.
#[derive(Debug)]
pub(super) struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

/// Takes one head from the start of `received`, once all of it is there, and appends its fields to `headers`.
///
/// `is_head` is whether the method of the request is HEAD. `fields` is only memory, which is kept for the next head.
pub(super) fn take_head(
    received: &mut BytesMut,
    headers: &mut HeaderMap,
    fields: &mut Vec<Field>,
    is_head: bool,
) -> Result<Option<Head>, UpstreamError> {
    let mut parsed = [const { MaybeUninit::uninit() }; MAX_RESPONSE_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let outcome =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, received, &mut parsed);
    let length = match outcome {
        Ok(Status::Complete(length)) if length <= MAX_HEAD => length,
        Ok(Status::Partial) => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(UpstreamError::HeadTooLarge),
        Err(error) => return Err(UpstreamError::MalformedHead(error)),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(UpstreamError::MalformedHead(httparse::Error::Status))?;
    let reason = response.reason.filter(|reason| Some(*reason) != status.canonical_reason());
    let reason = reason.and_then(|reason| ReasonPhrase::try_from(reason.as_bytes()).ok());
    let is_http_1_1 = response.version == Some(1);
    let start = received.as_ptr().addr();
    let range = |part: &[u8]| {
        let at = part.as_ptr().addr() - start;
        at..at + part.len()
    };
    fields.clear();
    fields.extend(
        response
            .headers
            .iter()
            .map(|field| Field { name: range(field.name.as_bytes()), value: range(field.value) }),
    );
    let framing = append_fields(&received.split_to(length).freeze(), fields, headers)?;
    let body = framing.decoder(status, is_head, is_http_1_1)?;
    // hyper writes the length of a body that follows.
    if !matches!(body, BodyDecoder::Length(_)) && !has_no_content(status) {
        framing.insert_length(headers);
    }
    Ok(Some(Head { status, reason, body, keeps_alive: framing.keeps_alive(is_http_1_1) }))
}

/// Appends fields, whose values share the memory of the head. Returns what they say about the end of the message. The length is
/// left out, and so is the id of the request: the host adds it to each response.
fn append_fields(head: &Bytes, fields: &[Field], headers: &mut HeaderMap) -> Result<Framing, UpstreamError> {
    let mut framing = Framing::default();
    headers.reserve(fields.len());
    for field in fields {
        let name = head.get(field.name.clone()).unwrap_or_default();
        if name.eq_ignore_ascii_case(REQUEST_ID.as_bytes()) {
            continue;
        }
        if name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str().as_bytes()) {
            framing.note_length(head.get(field.value.clone()).unwrap_or_default());
            continue;
        }
        let name = HeaderName::from_bytes(name)
            .map_err(|_| UpstreamError::MalformedHead(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_maybe_shared(head.slice(field.value.clone()));
        let value = value.map_err(|_| UpstreamError::MalformedHead(httparse::Error::HeaderValue))?;
        framing.note(&name, &value);
        headers.append(name, value);
    }
    Ok(framing)
}

/// Whether bytes may contain the end of a head that is not in them without the last `new` bytes. A head that arrives in many
/// pieces is not parsed for each.
pub(super) fn may_end_in(received: &[u8], new: usize) -> bool {
    let from = received.len().saturating_sub(new.saturating_add(3));
    let tail = received.get(from..).unwrap_or_default();
    tail.windows(2).any(|pair| pair == b"\n\n") || tail.windows(3).any(|end| end == b"\n\r\n")
}
