//! What stands for the span of a call in a program that is built without them.

use http::StatusCode;
use http::request::Parts;

use super::request_id::RequestId;
use crate::error::Error;

/// No span.
#[derive(Debug)]
pub(super) struct EndpointSpan;

#[expect(clippy::unused_self, reason = "it stands for the span of a call")]
impl EndpointSpan {
    pub(super) const fn of_check() -> Self {
        Self
    }

    pub(super) const fn begin(_: &'static str, _: &Parts, _: &RequestId) -> Self {
        Self
    }

    pub(super) fn attach<F: Future>(&self, future: F) -> F {
        future
    }

    pub(super) const fn fail(&self, _: &Error) {}

    pub(super) const fn end(self, _: StatusCode) {}
}

pub(super) fn in_this_context<T>(work: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    work
}
