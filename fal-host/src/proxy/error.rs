//! The host's own errors, and the JSON that a client reads: `{"detail": …, "error_type": …}` (S38).

use std::time::Duration;

use bytes::Bytes;
use fal_health::protocol::HostErrorType;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::loss::Loss;
use super::wait_cause::WaitCause;

static PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// An error that the host answers a request with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProxyError {
    #[error("{cause}, and the queue is full: it holds {limit}.")]
    QueueFull { limit: usize, cause: WaitCause },
    #[error("{cause}: the request has waited for {after:?}.")]
    QueueTimeout { after: Duration, cause: WaitCause },
    #[error("The runner did not begin to answer within {after:?}.")]
    RequestTimeout { after: Duration },
    #[error("The client sent too little of the request's body within {after:?}.")]
    ClientTimeout { after: Duration },
    #[error("The client sent less than 8 KiB of the request's body a second while other requests waited.")]
    ClientTooSlow,
    #[error("The host is stopping and takes no more requests.")]
    HostStopping,
    #[error("{0}.")]
    Lost(Loss),
    #[error("{}", first.and_again(*second))]
    LostAgain { first: Loss, second: Loss },
    #[error("{loss}. The request's body has more than {max} bytes, so it was not sent again.")]
    LostTooLarge { loss: Loss, max: usize },
    #[error("The runner's response is not valid HTTP.")]
    Malformed,
    #[error("The client sent only a part of the request's head within {after:?}.")]
    HeadTimeout { after: Duration },
    #[error("The request's head has more than {max} bytes or more than 100 fields.")]
    HeadTooLarge { max: usize },
    #[error("The request target has more than 65534 bytes.")]
    TargetTooLong,
    #[error("The request's method is not valid: expected letters, such as GET.")]
    BadMethod,
    #[error("The request's version is not valid: expected HTTP/1.1 or HTTP/1.0.")]
    BadVersion,
    #[error(
        "A field of the request's head is not valid: expected `name: value`, without control characters."
    )]
    BadField,
    #[error("The head of the runner's response has more than 256 fields, or more than 400 KiB.")]
    ResponseHeadTooLarge,
    #[error("The request was dispatched to {moves} runners in turn, and none accepted it.")]
    TooManyMoves { moves: u8 },
    #[error("The connection closed before the whole request body had arrived.")]
    BrokenBody,
    #[error(
        "The request's body is not valid chunked coding: expected the size of each chunk in hexadecimal digits, on a line \
         of its own, with at most 16 KiB of extensions and of trailers."
    )]
    BadChunk,
    #[error(
        "The request must have exactly one `host` header, with a host name or address and at most a port."
    )]
    BadHost,
    #[error(
        "The request target must be a path that begins with `/`, or a URL with the scheme http or https, with every `\"`, `<` \
         and `>` percent-encoded."
    )]
    BadTarget,
    #[error("The header `connection` names a header that concerns the whole message.")]
    BadConnection,
    #[error("The only transfer coding of a request is `chunked`, once.")]
    BadFraming,
    #[error("A request must not have both `content-length` and `transfer-encoding`.")]
    BothFramings,
    #[error("The header `content-length` must be one decimal number.")]
    BadLength,
    #[error("CONNECT is not supported.")]
    Connect,
}

impl ProxyError {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::QueueFull { .. }
            | Self::HostStopping
            | Self::Lost(_)
            | Self::LostAgain { .. }
            | Self::LostTooLarge { .. }
            | Self::Malformed
            | Self::ResponseHeadTooLarge
            | Self::TooManyMoves { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::QueueTimeout { .. } | Self::RequestTimeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::ClientTimeout { .. } | Self::ClientTooSlow | Self::HeadTimeout { .. } => {
                StatusCode::REQUEST_TIMEOUT
            }
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::BrokenBody
            | Self::BadChunk
            | Self::BadHost
            | Self::BadTarget
            | Self::BadConnection
            | Self::BadFraming
            | Self::BothFramings
            | Self::BadLength
            | Self::BadMethod
            | Self::BadVersion
            | Self::BadField => StatusCode::BAD_REQUEST,
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// The error's name, for programs.
    pub(super) const fn error_type(self) -> HostErrorType {
        match self {
            Self::QueueFull { .. } => HostErrorType::QueueFull,
            Self::QueueTimeout { .. } => HostErrorType::QueueTimeout,
            Self::RequestTimeout { .. } => HostErrorType::RequestTimeout,
            Self::ClientTimeout { .. } | Self::ClientTooSlow | Self::HeadTimeout { .. } => {
                HostErrorType::ClientTimeout
            }
            Self::HeadTooLarge { .. } => HostErrorType::HeadTooLarge,
            Self::TargetTooLong => HostErrorType::TargetTooLong,
            Self::BadMethod | Self::BadVersion | Self::BadField => HostErrorType::BadHead,
            Self::HostStopping => HostErrorType::HostStopping,
            Self::Lost(_)
            | Self::LostAgain { .. }
            | Self::LostTooLarge { .. }
            | Self::Malformed
            | Self::ResponseHeadTooLarge
            | Self::TooManyMoves { .. } => HostErrorType::RunnerDisconnected,
            Self::BrokenBody | Self::BadChunk => HostErrorType::BrokenBody,
            Self::BadHost => HostErrorType::BadHost,
            Self::BadTarget => HostErrorType::BadTarget,
            Self::BadConnection => HostErrorType::BadConnection,
            Self::BadFraming | Self::BothFramings | Self::BadLength => HostErrorType::BadFraming,
            Self::Connect => HostErrorType::NotSupported,
        }
    }

    /// Whether a runner caused the error.
    pub(super) const fn is_of_runner(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout { .. }
                | Self::Lost(_)
                | Self::LostAgain { .. }
                | Self::LostTooLarge { .. }
                | Self::Malformed
                | Self::ResponseHeadTooLarge
                | Self::TooManyMoves { .. }
        )
    }

    /// The value of `retry-after`, in seconds: only where the request has certainly reached no runner.
    const fn retry_after(self) -> Option<HeaderValue> {
        match self {
            Self::QueueFull { .. } | Self::HostStopping | Self::TooManyMoves { .. } => {
                Some(HeaderValue::from_static("1"))
            }
            _ => None,
        }
    }

    /// The type of the error in `proxy-status` (RFC 9209, 2.3).
    const fn proxy_error(self) -> &'static str {
        match self {
            Self::QueueFull { .. } => "connection_limit_reached",
            Self::QueueTimeout { .. } => "connection_timeout",
            Self::RequestTimeout { .. } => "http_response_timeout",
            Self::HostStopping => "destination_unavailable",
            Self::Lost(_) | Self::LostAgain { .. } | Self::LostTooLarge { .. } => "connection_terminated",
            Self::TooManyMoves { .. } => "connection_refused",
            Self::Malformed => "http_protocol_error",
            Self::ResponseHeadTooLarge => "http_response_header_section_size",
            Self::Connect => "http_request_denied",
            Self::ClientTimeout { .. }
            | Self::ClientTooSlow
            | Self::HeadTimeout { .. }
            | Self::HeadTooLarge { .. }
            | Self::TargetTooLong
            | Self::BrokenBody
            | Self::BadChunk
            | Self::BadHost
            | Self::BadTarget
            | Self::BadConnection
            | Self::BadFraming
            | Self::BothFramings
            | Self::BadLength
            | Self::BadMethod
            | Self::BadVersion
            | Self::BadField => "http_request_error",
        }
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        #[derive(Serialize)]
        struct Body {
            detail: String,
            error_type: &'static str,
        }
        let body = Body { detail: self.to_string(), error_type: self.error_type().as_str() };
        // Serializing two strings cannot fail.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let proxy_status =
            format!("fal-host; error={}; details=\"{}\"", self.proxy_error(), self.error_type());
        // The names of errors are always a header value.
        if let Ok(value) = HeaderValue::try_from(proxy_status) {
            headers.insert(&PROXY_STATUS, value);
        }
        if let Some(value) = self.retry_after() {
            headers.insert(RETRY_AFTER, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_error_of_the_host_is_json_with_a_sentence_and_a_type_s38f_s83d() {
        let expected = [
            (ProxyError::QueueFull { limit: 3, cause: WaitCause::Busy }, 503, "queue_full"),
            (
                ProxyError::QueueTimeout { after: Duration::from_secs(60), cause: WaitCause::Paused },
                504,
                "queue_timeout",
            ),
            (ProxyError::RequestTimeout { after: Duration::from_secs(30) }, 504, "request_timeout"),
            (ProxyError::Lost(Loss::Closed), 503, "runner_disconnected"),
            (ProxyError::LostAgain { first: Loss::Closed, second: Loss::Closed }, 503, "runner_disconnected"),
            (ProxyError::LostTooLarge { loss: Loss::Closed, max: 65_536 }, 503, "runner_disconnected"),
            (ProxyError::HostStopping, 503, "host_stopping"),
            (ProxyError::ClientTimeout { after: Duration::from_secs(60) }, 408, "client_timeout"),
            (ProxyError::ClientTooSlow, 408, "client_timeout"),
            (ProxyError::BrokenBody, 400, "broken_body"),
            (ProxyError::BadChunk, 400, "broken_body"),
            (ProxyError::BadHost, 400, "bad_host"),
            (ProxyError::BadTarget, 400, "bad_target"),
            (ProxyError::BadConnection, 400, "bad_connection"),
            (ProxyError::BadFraming, 400, "bad_framing"),
            (ProxyError::BothFramings, 400, "bad_framing"),
            (ProxyError::BadLength, 400, "bad_framing"),
            (ProxyError::BadField, 400, "bad_head"),
            (ProxyError::HeadTooLarge { max: 8192 }, 431, "head_too_large"),
            (ProxyError::TargetTooLong, 414, "target_too_long"),
            (ProxyError::HeadTimeout { after: Duration::from_secs(75) }, 408, "client_timeout"),
            (ProxyError::Connect, 501, "not_supported"),
        ];
        for (error, status, error_type) in expected {
            let response = error.response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let proxy_status = response.headers()[&PROXY_STATUS].to_str().unwrap();
            let details = format!("; details=\"{error_type}\"");
            assert!(
                proxy_status.starts_with("fal-host; error=") && proxy_status.ends_with(&details),
                "{proxy_status}"
            );
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error_type"], error_type);
            assert_eq!(body["detail"], error.to_string());
        }
    }

    #[test]
    fn a_client_reads_why_its_request_was_not_dispatched_s38f() {
        let after = Duration::from_millis(1500);
        for (cause, full, timeout) in [
            (
                WaitCause::Busy,
                "Every runner is busy, and the queue is full: it holds 3.",
                "Every runner is busy: the request has waited for 1.5s.",
            ),
            (
                WaitCause::NoRunner,
                "No runner takes requests now, and the queue is full: it holds 3.",
                "No runner takes requests now: the request has waited for 1.5s.",
            ),
            (
                WaitCause::Paused,
                "The host is paused, and the queue is full: it holds 3.",
                "The host is paused: the request has waited for 1.5s.",
            ),
        ] {
            assert_eq!(ProxyError::QueueFull { limit: 3, cause }.to_string(), full);
            assert_eq!(ProxyError::QueueTimeout { after, cause }.to_string(), timeout);
        }
    }

    #[test]
    fn only_requests_that_reached_no_runner_get_retry_after_s39a() {
        let full = ProxyError::QueueFull { limit: 0, cause: WaitCause::Busy };
        assert!(full.response().headers().contains_key(RETRY_AFTER));
        let timed_out = ProxyError::RequestTimeout { after: Duration::from_secs(30) };
        assert!(!timed_out.response().headers().contains_key(RETRY_AFTER));
        assert!(!ProxyError::Lost(Loss::Closed).response().headers().contains_key(RETRY_AFTER));
    }
}
