//! Answers clients whose head cannot be read as a request. hyper's own answer to them has no body.

use std::fmt::Write as _;
use std::future::poll_fn;

use http_body_util::BodyExt;
use tokio::time::timeout;

use super::balancer::Balancer;
use super::client_limits::HEAD_TIMEOUT;
use super::client_stream::{ClientStream, End};
use super::departure::LINGER_PAUSE;
use super::error::ProxyError;
use super::refusal_log::{LimitReached, RefusedClient};
use super::request_id::RequestIdField;

/// Answers a client whose head was refused, or was not sent whole in time, if it can still be answered. `has_begun` is
/// whether anything of a head has arrived.
pub(super) async fn refuse(
    stream: &mut ClientStream,
    ended: &hyper::Result<()>,
    has_begun: bool,
    max_head: usize,
    balancer: &Balancer,
) {
    let error = match (stream.end(), stream.is_refused(), ended) {
        (Some(End::HeadTimeout), _, _) if has_begun => ProxyError::HeadTimeout { after: HEAD_TIMEOUT },
        (None, true, Err(error)) => why_refused(error, max_head),
        _ => return,
    };
    balancer.metrics().error(error.error_type());
    balancer.log_refusal(LimitReached::Request(error), RefusedClient::default());
    let id = RequestIdField::new();
    tracing::debug!(
        request_id = %id,
        error_type = %error.error_type(),
        error = ended.as_ref().err().map(tracing::field::display),
        "{error}"
    );
    let response = to_bytes(error, &id).await;
    let mut written = 0;
    let write = async {
        while let Some(rest) = response.get(written..).filter(|rest| !rest.is_empty()) {
            match poll_fn(|cx| stream.poll_write_bytes(cx, rest)).await {
                Ok(length) if length > 0 => written += length,
                _ => return,
            }
        }
    };
    // A client that does not even read this gets no more time.
    let _ = timeout(LINGER_PAUSE, write).await;
}

/// The error of a head that hyper has refused. hyper says what is wrong only in the text of its error.
fn why_refused(error: &hyper::Error, max_head: usize) -> ProxyError {
    match error.to_string().as_str() {
        "message head is too large" => ProxyError::HeadTooLarge { max: max_head },
        "URI too long" => ProxyError::TargetTooLong,
        "invalid URI" => ProxyError::BadTarget,
        "invalid content-length parsed" => ProxyError::BadLength,
        "invalid transfer-encoding parsed" | "unexpected transfer-encoding parsed" => ProxyError::BadFraming,
        "invalid HTTP method parsed" => ProxyError::BadMethod,
        "invalid HTTP version parsed" => ProxyError::BadVersion,
        _ => ProxyError::BadField,
    }
}

/// Writes a whole response.
async fn to_bytes(error: ProxyError, id: &RequestIdField) -> Vec<u8> {
    let (mut parts, body) = error.response().into_parts();
    id.put_on(&mut parts.headers);
    // The body is in memory.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut head = format!("HTTP/1.1 {}\r\n", parts.status);
    for (name, value) in &parts.headers {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let _ = write!(head, "content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}
