//! Reads the body of a request into memory.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, EXPECT};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::error::Error;

/// The maximum number of bytes that are read and discarded after a body was rejected, and the time limit.
const MAX_DISCARDED: usize = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads a JSON body into memory. `None` if there is no body.
///
/// A body of another media type is an error with status 415; a body above the limit, with status 413.
pub(super) async fn read(headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Option<Bytes>, Error> {
    if body.is_end_stream() {
        return Ok(None);
    }
    let taken = read_json(headers, &mut body, limit).await;
    // A client that sent `expect` gets the error first and sends no body.
    if taken.is_err() && !headers.contains_key(EXPECT) {
        let _ = tokio::time::timeout(DISCARD_TIMEOUT, discard(body)).await;
    }
    taken
}

/// Reads and discards the rest of a body. Many clients send the whole body before they read, and TCP discards a
/// response when data arrives on a closed connection.
async fn discard(mut body: Body) {
    let mut left = MAX_DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

async fn read_json(headers: &HeaderMap, body: &mut Body, limit: usize) -> Result<Option<Bytes>, Error> {
    if !is_json(headers) {
        return Err(Error::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body has to be JSON: send it with `content-type: application/json`",
        ));
    }
    // The length that the head announces.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large(limit));
    }
    Ok(Some(collect(body, limit).await?).filter(|body| !body.is_empty()))
}

/// Reads a whole body. One that arrives in one piece, as most do, is not copied.
async fn collect(body: &mut Body, limit: usize) -> Result<Bytes, Error> {
    let (mut first, mut rest, mut length) = (Bytes::new(), Vec::new(), 0);
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| {
            Error::new(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))
        })?;
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

fn too_large(limit: usize) -> Error {
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

/// Whether the media type is `application/json` or ends with `+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    if value == "application/json" {
        return true;
    }
    let Ok(value) = value.to_str() else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    let Some((kind, format)) = essence.split_once('/') else { return false };
    let suffix = format.rsplit_once('+').map(|(_, suffix)| suffix);
    kind.eq_ignore_ascii_case("application") && suffix.unwrap_or(format).eq_ignore_ascii_case("json")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_known_by_its_content_type_however_written() {
        let is_json = |value: &str| {
            is_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(value).unwrap())]))
        };
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["text/json", "application/jsonl", "application/xml", "json", ""] {
            assert!(!is_json(other), "{other}");
        }
        assert!(!super::is_json(&HeaderMap::new()));
    }
}
