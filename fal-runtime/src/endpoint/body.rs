//! Reads the body of a request into memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::extract::SharedBody;
use crate::validation::body::{too_large, unreadable};

/// The maximum number of bytes that are read and discarded after a body was rejected, and the time limit.
const MAX_DISCARDED: usize = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// The media type that an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`, or another that ends in `+json`.
    Json,
    /// `text/…`.
    Text,
    /// `multipart/form-data`.
    Form,
    /// Any.
    Any,
}

/// Reads a body into memory. `None` if there is no body.
///
/// A body of another media type or coding is an error with status 415; a body above the limit, with status 413.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
    wanted: MediaType,
) -> Result<Option<Bytes>, Error> {
    if body.is_end_stream() {
        return Ok(None);
    }
    let taken = read_all(headers, body, limit, wanted).await;
    if taken.is_err() {
        // Rare, so it takes no room in the futures of others.
        Box::pin(discard_rejected(headers, body)).await;
    }
    taken
}

/// Checks the head of a body that the endpoint reads itself.
pub(super) async fn share(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
    wanted: MediaType,
) -> Result<SharedBody, Error> {
    let head = BodyHead::of(headers);
    match head.check_media_type(wanted).and_then(|()| head.check(body, limit)) {
        Ok(()) => Ok(Arc::new(Mutex::new(std::mem::take(body)))),
        Err(error) => {
            Box::pin(discard_rejected(headers, body)).await;
            Err(error)
        }
    }
}

/// Discards what an endpoint has left of its body, unless the endpoint still reads it on another task.
pub(super) async fn discard_rest(rest: SharedBody) {
    if let Ok(mut body) = rest.try_lock() {
        let _ = tokio::time::timeout(DISCARD_TIMEOUT, discard(&mut body)).await;
    }
}

/// Discards a rejected body. A client that sent `expect` gets the error first and sends no body.
async fn discard_rejected(headers: &HeaderMap, body: &mut Body) {
    if !headers.contains_key(EXPECT) {
        let _ = tokio::time::timeout(DISCARD_TIMEOUT, discard(body)).await;
    }
}

/// Reads and discards the rest of a body. Many clients send the whole body before they read, and TCP discards a
/// response when data arrives on a closed connection.
async fn discard(body: &mut Body) {
    let mut left = MAX_DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

async fn read_all(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
    wanted: MediaType,
) -> Result<Option<Bytes>, Error> {
    let head = BodyHead::of(headers);
    // An empty body needs no media type. Whether a body of chunks is empty shows when it is read.
    let is_checked_first = head.media_type.is_some() || body.size_hint().lower() > 0;
    if is_checked_first {
        head.check_media_type(wanted)?;
    }
    head.check(body, limit)?;
    let body = collect(body, limit).await?;
    if body.is_empty() {
        return Ok(None);
    }
    if !is_checked_first {
        head.check_media_type(wanted)?;
    }
    match wanted {
        MediaType::Any | MediaType::Form => Ok(Some(body)),
        // JSON does not begin with a zero, and text may.
        MediaType::Json if matches!(body.as_ref(), [0, _, ..] | [_, 0, ..]) => Err(not_utf8()),
        MediaType::Json | MediaType::Text => utf8(body).map(Some),
    }
}

/// Reads a whole body. One that arrives in one piece, as most do, is not copied.
async fn collect(body: &mut Body, limit: usize) -> Result<Bytes, Error> {
    let (mut first, mut rest, mut length) = (Bytes::new(), Vec::new(), 0);
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(unreadable)?;
        // Trailers are not data.
        let Ok(piece) = frame.into_data() else { continue };
        length += piece.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.push(piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(length);
    whole.extend_from_slice(&first);
    for piece in &rest {
        whole.extend_from_slice(piece);
    }
    Ok(whole.freeze())
}

/// What the head of a request says about its body.
#[derive(Debug, Default)]
struct BodyHead<'a> {
    media_type: Option<&'a HeaderValue>,
    length: Option<&'a HeaderValue>,
    /// The first coding of the body, such as gzip.
    coding: Option<&'a str>,
}

impl<'a> BodyHead<'a> {
    /// Reads the headers once: to look each one up would cost a hash.
    fn of(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        for (name, value) in headers {
            match *name {
                CONTENT_TYPE => head.media_type = head.media_type.or(Some(value)),
                CONTENT_LENGTH => head.length = head.length.or(Some(value)),
                CONTENT_ENCODING => head.coding = head.coding.or_else(|| coding(value)),
                _ => {}
            }
        }
        head
    }

    /// Checks the coding, and the length that the head announces. A layer may have replaced the body, so the header counts,
    /// too.
    fn check(&self, body: &Body, limit: usize) -> Result<(), Error> {
        // A coding such as gzip is a layer's job (RFC 9110, 15.5.16).
        if let Some(coding) = self.coding {
            let unsupported =
                format!("the content coding `{coding}` is not supported: send the body without it");
            return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, unsupported)
                .header("accept-encoding", "identity"));
        }
        let announced = self.length.and_then(|length| length.to_str().ok()?.parse().ok());
        let length = body.size_hint().lower().max(announced.unwrap_or_default());
        if length > u64::try_from(limit).unwrap_or(u64::MAX) { Err(too_large(limit)) } else { Ok(()) }
    }

    fn check_media_type(&self, wanted: MediaType) -> Result<(), Error> {
        let value = self.media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let expected = match wanted {
            // Most bodies.
            MediaType::Json if value == "application/json" => return Ok(()),
            MediaType::Json if !is_json(value) => {
                "the body has to be JSON: send it with `content-type: application/json`"
            }
            MediaType::Text if !is_text(value) => {
                "the body has to be text: send it with `content-type: text/plain`"
            }
            MediaType::Form if !essence(value).eq_ignore_ascii_case("multipart/form-data") => {
                "the body has to be form data: send it with `content-type: multipart/form-data` and a boundary"
            }
            MediaType::Json | MediaType::Text if !is_utf8(value) => NOT_UTF8,
            MediaType::Any | MediaType::Form | MediaType::Json | MediaType::Text => return Ok(()),
        };
        Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, expected))
    }
}

/// The first coding that `content-encoding` lists, other than `identity`.
fn coding(value: &HeaderValue) -> Option<&str> {
    let mut codings = value.to_str().ok()?.split(',').map(str::trim);
    codings.find(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
}

const NOT_UTF8: &str = "the charset of the body is not supported: send it in UTF-8";

fn not_utf8() -> Error {
    Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, NOT_UTF8)
}

/// The body without its byte order mark. That of UTF-16 or UTF-32 is an error.
fn utf8(body: Bytes) -> Result<Bytes, Error> {
    match body.as_ref() {
        [0xef, 0xbb, 0xbf, ..] => Ok(body.slice(3..)),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 0, 0xfe, 0xff, ..] => Err(not_utf8()),
        _ => Ok(body),
    }
}

/// Whether the media type is `application/json` or ends with `+json`, with any parameters.
fn is_json(content_type: &str) -> bool {
    let Some((kind, format)) = essence(content_type).split_once('/') else { return false };
    let suffix = format.rsplit_once('+').map(|(_, suffix)| suffix);
    kind.eq_ignore_ascii_case("application") && suffix.unwrap_or(format).eq_ignore_ascii_case("json")
}

fn is_text(content_type: &str) -> bool {
    essence(content_type).split_once('/').is_some_and(|(kind, _)| kind.eq_ignore_ascii_case("text"))
}

/// The media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether the charset is UTF-8 or a part of it. Without the parameter it is.
fn is_utf8(content_type: &str) -> bool {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, value)| {
        let value = value.trim().trim_matches('"');
        ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_content_type_however_written() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["text/json", "application/jsonl", "application/xml", "json", ""] {
            assert!(!is_json(other), "{other}");
        }
    }
}
