//! What the runner knows of a request: its id, its deadline, its headers.

use std::time::Instant;

use http::HeaderMap;
use http::request::Parts;

use crate::endpoint::RequestId;

/// The context of a request: its id, endpoint, deadline and headers.
///
/// Any endpoint can take it as an argument, including a health check. It is a copy, so its cost grows with the
/// headers.
#[derive(Clone, Debug)]
pub struct RequestContext {
    id: RequestId,
    endpoint: &'static str,
    deadline: Option<Instant>,
    headers: HeaderMap,
}

/// The time by which a request must be answered.
///
/// The app's `request_timeout` sets it for all requests. A layer that limits some of them further adds this to
/// their extensions.
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

    /// The request's id, which its response and log lines have, too: the header `x-fal-request-id`, or a generated
    /// one. Up to 128 visible ASCII characters.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The id of the distributed trace that the request belongs to, by the header `traceparent` of
    /// [W3C Trace Context](https://www.w3.org/TR/trace-context/): 32 hexadecimal digits. `None` without a valid header.
    pub fn trace_id(&self) -> Option<&str> {
        self.id.trace_id()
    }

    /// The path of the endpoint as declared, with parameters as `{name}`.
    pub fn endpoint(&self) -> &'static str {
        self.endpoint
    }

    /// The time when the caller stops waiting for the response to begin, counted from when the request reached the
    /// runner. `None` if nothing limits it.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The headers that the client sent.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}
