//! Why a request has no response, or only a part of one, and the limits of what a runner may send.

use std::io;

use crate::proxy::request_body::RequestBodyError;

/// How many fields the head of a response may have (S45d).
pub(super) const MAX_RESPONSE_FIELDS: usize = 256;

/// How large the head of a response may be, in bytes.
pub(super) const MAX_HEAD: usize = 400 * 1024;

/// How many interim responses may precede the response (S45g). Each costs the host time, and no deadline of the client.
pub(super) const MAX_INTERIM: u32 = 1000;

/// Why a request has no response, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the runner closed the connection before the end of its response")]
    Closed,
    #[error("the connection to the runner failed: {0}")]
    Failed(io::Error),
    #[error("the head of the response is malformed: {0}")]
    MalformedHead(httparse::Error),
    #[error("the head of the response has more than {MAX_RESPONSE_FIELDS} fields, or more than {} KiB", MAX_HEAD / 1024)]
    HeadTooLarge,
    #[error("more than {MAX_INTERIM} interim responses precede the response")]
    TooManyInterim,
    #[error("the end of the response is ambiguous: expected one length, or the transfer coding `chunked`")]
    AmbiguousEnd,
    #[error("the response has a malformed chunk")]
    MalformedChunk,
    #[error("the client did not send the whole body of the request: {0}")]
    RequestBody(RequestBodyError),
}

impl UpstreamError {
    /// Whether the runner has broken off the connection. Its process may be dying.
    pub(crate) const fn is_broken_off(&self) -> bool {
        matches!(self, Self::Closed | Self::Failed(_))
    }
}
