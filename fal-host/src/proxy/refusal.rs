//! The errors that are the host's own, and how a client reads them: `{"detail": …, "error_type": …}` (S38).

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

/// Why the host answers a request by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("Every runner is busy, and {limit} requests wait already.")]
    QueueFull { limit: usize },
    #[error("No runner took the request within {after:?}.")]
    QueueTimeout { after: Duration },
    #[error("The runner did not begin to answer within {after:?}.")]
    RequestTimeout { after: Duration },
    #[error("The host is stopping and takes no more requests.")]
    HostStopping,
    #[error("The runner was lost after the request was sent and before it answered.")]
    Lost,
    #[error("The runner's answer is not HTTP.")]
    Malformed,
    #[error("The request was given to {moves} runners in turn, and each was lost before it could be sent.")]
    NobodyTakesIt { moves: u8 },
    #[error("The request's body broke off.")]
    BrokenBody,
    #[error("A request names its host once, in one header `host`.")]
    BadHost,
    #[error("CONNECT is not supported.")]
    Connect,
}

impl Refusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::QueueFull { .. }
            | Self::HostStopping
            | Self::Lost
            | Self::Malformed
            | Self::NobodyTakesIt { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::QueueTimeout { .. } | Self::RequestTimeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::BrokenBody | Self::BadHost => StatusCode::BAD_REQUEST,
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// The name by which a program tells the errors apart.
    pub(super) const fn error_type(self) -> &'static str {
        match self {
            Self::QueueFull { .. } => "queue_full",
            Self::QueueTimeout { .. } => "queue_timeout",
            Self::RequestTimeout { .. } => "request_timeout",
            Self::HostStopping => "host_stopping",
            Self::Lost | Self::Malformed | Self::NobodyTakesIt { .. } => "runner_disconnected",
            Self::BrokenBody => "broken_body",
            Self::BadHost => "bad_host",
            Self::Connect => "not_supported",
        }
    }

    /// Whether it is for what a runner did to a request that it had, or did not do.
    pub(super) const fn is_a_runners(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout { .. } | Self::Lost | Self::Malformed | Self::NobodyTakesIt { .. }
        )
    }

    /// When to come again, in seconds: only where the request has certainly reached no runner.
    const fn retry_after(self) -> Option<HeaderValue> {
        match self {
            Self::QueueFull { .. } | Self::HostStopping | Self::NobodyTakesIt { .. } => {
                Some(HeaderValue::from_static("1"))
            }
            _ => None,
        }
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        #[derive(Serialize)]
        struct Body {
            detail: String,
            error_type: &'static str,
        }
        let body = Body { detail: self.to_string(), error_type: self.error_type() };
        // Two strings cannot fail to be written as JSON.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
    async fn an_error_of_the_host_is_json_with_a_sentence_and_a_type_s38f() {
        let expected = [
            (Refusal::QueueFull { limit: 3 }, 503, "queue_full"),
            (Refusal::QueueTimeout { after: Duration::from_secs(60) }, 504, "queue_timeout"),
            (Refusal::RequestTimeout { after: Duration::from_secs(30) }, 504, "request_timeout"),
            (Refusal::Lost, 503, "runner_disconnected"),
            (Refusal::HostStopping, 503, "host_stopping"),
        ];
        for (refusal, status, error_type) in expected {
            let response = refusal.response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error_type"], error_type);
            assert_eq!(body["detail"], refusal.to_string());
        }
        assert_eq!(
            Refusal::QueueTimeout { after: Duration::from_millis(1500) }.to_string(),
            "No runner took the request within 1.5s."
        );
    }

    #[test]
    fn only_what_reached_no_runner_says_when_to_come_again_s39a() {
        assert!(Refusal::QueueFull { limit: 0 }.response().headers().contains_key(RETRY_AFTER));
        let timed_out = Refusal::RequestTimeout { after: Duration::from_secs(30) };
        assert!(!timed_out.response().headers().contains_key(RETRY_AFTER));
        assert!(!Refusal::Lost.response().headers().contains_key(RETRY_AFTER));
    }
}
