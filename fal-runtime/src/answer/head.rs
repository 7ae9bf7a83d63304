//! The status and headers of a response, which an endpoint can set.

use std::fmt;

use axum::response::Response;
use fal_health::protocol::header;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::error::header::{self as text, FRAMING};
use crate::error::{Error, Result};

/// The head of a response: an endpoint sets its status and headers, requests health checks, and stops its runner.
///
/// An endpoint takes it as `response: &mut ResponseHead`. It applies to a successful answer. An error has its own
/// status and headers; only the requests for a health check and for a stop are taken over, and after
/// [`keep_headers_on_error`](Self::keep_headers_on_error) all headers.
///
/// ```
/// use fal_runtime::{ResponseHead, StatusCode};
///
/// fn accepted(response: &mut ResponseHead) {
///     response.set_status(StatusCode::ACCEPTED);
///     response.set_header("retry-after", 1);
/// }
/// # accepted(&mut ResponseHead::default());
/// ```
#[derive(Debug, Default)]
pub struct ResponseHead {
    status: Option<StatusCode>,
    headers: HeaderMap,
    /// The first header that could not be set.
    invalid: Option<Box<text::InvalidHeader>>,
    keeps_headers: bool,
}

const HEALTH_CHECK: HeaderName = HeaderName::from_static(header::HEALTH_CHECK);
const STOP_RUNNER: HeaderName = HeaderName::from_static(header::STOP_RUNNER);

/// An argument that an endpoint takes by `&mut`, under any name of the type.
#[diagnostic::on_unimplemented(
    message = "`&mut {Self}` cannot be an argument of an endpoint",
    label = "write `{Self}` without `&mut`: this argument must be owned",
    note = "only `&mut ResponseHead` and `&mut Events<…>` are passed by reference"
)]
pub trait AsResponseHead {
    /// Passes the head on.
    fn of(head: &mut ResponseHead) -> &mut Self;
}

impl AsResponseHead for ResponseHead {
    fn of(head: &mut ResponseHead) -> &mut Self {
        head
    }
}

/// Passes the head to an argument that is not spelled [`ResponseHead`].
pub fn as_response_head<T: AsResponseHead>(head: &mut ResponseHead) -> &mut T {
    T::of(head)
}

impl ResponseHead {
    /// The headers set so far.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers to set. They replace headers of the same names in the answer. `connection`, `content-length` and
    /// `transfer-encoding` are ignored: the server sets them.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Sets a header by its name. It replaces headers of the same name.
    ///
    /// An invalid name or value is an error of the endpoint: the client gets status 500, and the log names it.
    pub fn set_header(&mut self, name: &str, value: impl fmt::Display) {
        match text::parse(name, &value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(invalid) => self.invalid = self.invalid.take().or(Some(Box::new(invalid))),
        }
    }

    /// Sends the headers with an error response, too, also with that of a panic. By default an error has its own headers only.
    pub fn keep_headers_on_error(&mut self) {
        self.keeps_headers = true;
    }

    /// The status of the answer. Default: 200. A redirect has its own default.
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or_default()
    }

    /// Sets the status of the answer. To fail, return an error instead: clients can read its body.
    pub fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Requests a health check of this runner right after the response. If that check fails, the runner is
    /// replaced at once, whatever its age and streak ([S25](fal_health::semantics#s25)). The request is sent
    /// even if the endpoint returns an error or panics afterwards ([S27](fal_health::semantics#s27)).
    pub fn request_health_check(&mut self) {
        self.headers.insert(HEALTH_CHECK, HeaderValue::from_static("true"));
    }

    /// Tells the host that this runner cannot go on, for example after an error of its device that stays
    /// ([S58](fal_health::semantics#s58)). The host sends it no more requests, starts its replacement at once, and stops
    /// it when its requests in flight have ended, this one among them. No check is made. The host gets the message even
    /// if the endpoint returns an error or panics afterwards. A runner without a host continues.
    ///
    /// Call it only if this process is at fault: a replacement has the same dependencies. Where a restart may not
    /// help, use [`request_health_check`](Self::request_health_check).
    pub fn stop_runner(&mut self) {
        self.headers.insert(STOP_RUNNER, HeaderValue::from_static("true"));
    }

    /// Applies it to a successful answer.
    pub(crate) fn apply(mut self, answer: &mut Response) {
        if let Some(status) = self.status {
            *answer.status_mut() = status;
        }
        if self.headers.is_empty() {
            return;
        }
        for name in FRAMING {
            self.headers.remove(name);
        }
        answer.headers_mut().extend(self.headers);
    }

    /// Whether it can be the head of a response.
    pub(crate) fn validate(&mut self) -> Result<()> {
        if let Some(invalid) = self.invalid.take() {
            return Err((*invalid).into());
        }
        let status = self.status();
        if status.is_informational() {
            return Err(Error::msg(format!(
                "the endpoint set status {status}, which is not the status of a final response"
            )));
        }
        Ok(())
    }

    /// Copies what it asks of the host to an error response, or all headers if they were asked to be kept. The error's
    /// own headers win.
    pub(crate) fn apply_to_error(mut self, answer: &mut Response) {
        if self.keeps_headers {
            for name in FRAMING {
                self.headers.remove(name);
            }
            self.headers.extend(std::mem::take(answer.headers_mut()));
            *answer.headers_mut() = self.headers;
            return;
        }
        for name in [HEALTH_CHECK, STOP_RUNNER] {
            for value in self.headers.get_all(&name) {
                answer.headers_mut().append(&name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};

    use super::*;

    #[test]
    fn what_is_set_replaces_what_the_answer_had_and_frames_nothing() {
        let mut head = ResponseHead::default();
        head.set_status(StatusCode::CREATED);
        head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        head.headers_mut().append(SET_COOKIE, HeaderValue::from_static("a=1"));
        head.headers_mut().append(SET_COOKIE, HeaderValue::from_static("b=2"));
        head.headers_mut().insert(CONTENT_LENGTH, 7.into());

        let mut answer = Response::new(Body::empty());
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        head.apply(&mut answer);
        assert_eq!(answer.status(), StatusCode::CREATED);
        let headers = answer.headers();
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(headers.get_all(CONTENT_TYPE).iter().count(), 1);
        assert_eq!(headers.get_all(SET_COOKIE).iter().count(), 2);
        assert!(!headers.contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn an_error_takes_only_what_the_head_asks_of_the_host_s27c_s58a() {
        let mut head = ResponseHead::default();
        head.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("a=1"));
        head.request_health_check();
        head.stop_runner();
        let mut answer = Response::new(Body::empty());
        head.apply_to_error(&mut answer);
        assert_eq!(answer.headers().len(), 2);
        assert_eq!(
            (&answer.headers()[HEALTH_CHECK], &answer.headers()[STOP_RUNNER]),
            (&"true".parse().unwrap(), &"true".parse().unwrap())
        );
    }
}
