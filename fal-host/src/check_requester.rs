//! What has asked for a manual check (S85f).

use std::fmt;

use serde::Serialize;

/// What has asked for a manual check ([S85f](fal_health::semantics#s85f)). JSON has its name as `by`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckRequester {
    /// The response to this request.
    Response(AskingRequest),
    /// The host itself, because this request has reached `request_timeout`.
    Overdue(AskingRequest),
    /// An operator: `POST /runners/ID/check` of the admin interface, or the subcommand `check ID`.
    Operator,
}

/// The request that a manual check was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AskingRequest {
    /// Its method.
    pub method: String,
    /// Its path without the query, at most 256 bytes.
    pub path: String,
    /// Its `x-fal-request-id`.
    pub request_id: String,
    /// The address at the other end of its connection. `None` if its client has left meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

impl fmt::Display for CheckRequester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(request) => write!(f, "the response to {request}"),
            Self::Overdue(request) => {
                write!(f, "the host itself, because of {request}, which had reached `request_timeout`")
            }
            Self::Operator => f.write_str("an operator (`POST /runners/ID/check`)"),
        }
    }
}

impl fmt::Display for AskingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, request_id, client } = self;
        write!(f, "{method} {path} with the id {request_id}")?;
        client.as_ref().map_or(Ok(()), |client| write!(f, ", from {client}"))
    }
}
