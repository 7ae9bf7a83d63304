//! What the runner knows of a request: its id, its deadline, its headers.

use std::time::Instant;

use http::HeaderMap;
use http::request::Parts;

use crate::endpoint::RequestId;

/// What a runner knows of a request besides its arguments.
///
/// An endpoint takes it as an argument, a health check, too. It is a copy: taking it costs as much as the headers are
/// long.
#[derive(Clone, Debug)]
pub struct RequestContext {
    id: RequestId,
    endpoint: &'static str,
    deadline: Option<Instant>,
    headers: HeaderMap,
}

/// Until when a request has to be answered.
///
/// The app's `request_timeout` says so of all requests. A layer that limits some of them further tells endpoints so by
/// putting this into their extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub Instant);

impl RequestContext {
    pub(crate) fn new(
        id: RequestId,
        endpoint: &'static str,
        deadline: Option<Instant>,
        request: &Parts,
    ) -> Self {
        let limited = request.extensions.get().map(|Deadline(at)| *at);
        let deadline = limited.into_iter().chain(deadline).min();
        Self { id, endpoint, deadline, headers: request.headers.clone() }
    }

    /// What ties the request, its response and its log lines together: the request's own `x-fal-request-id`, or one
    /// that was made for it. Up to 128 visible ASCII characters.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The path of the endpoint as it was declared, with its parameters as `{name}`.
    pub fn endpoint(&self) -> &'static str {
        self.endpoint
    }

    /// When the caller stops waiting for the response to begin; none while nothing limits the time of requests. It
    /// counts from when the request reached the runner.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The headers that the client sent.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}
