//! The response body of failures.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::Serialize;

use super::handler_error::{Detail, Error};
use super::validation_error::ValidationError;
use crate::endpoint::RequestId;

/// What a client reads of a failure.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HTTPError")]
pub(crate) struct HttpError<'a> {
    /// What went wrong, as far as the client may know.
    pub(crate) detail: Cow<'a, str>,
    /// The request's id, where the log knows more by it than the client may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<Cow<'a, str>>,
}

/// What a client reads of a request that does not say what it has to say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HTTPValidationError")]
pub(crate) struct HttpValidationError<'a> {
    /// Every mistake that was found.
    pub(crate) detail: Cow<'a, [ValidationError]>,
}

impl Error {
    /// The error response.
    pub(crate) fn response(&self, id: &RequestId) -> Response {
        let mut response = json(self.0.status, self.public(id));
        response.headers_mut().extend(self.0.headers.clone());
        response
    }

    /// The body of the response, as JSON. For an unexpected error it is the reason phrase and the request's id.
    pub(crate) fn public(&self, id: &RequestId) -> Bytes {
        let status = self.0.status;
        match &self.0.detail {
            Some(Detail::Text(text)) => bytes(&HttpError { detail: Cow::Borrowed(text), request_id: None }),
            Some(Detail::Validation(list)) => bytes(&HttpValidationError { detail: Cow::Borrowed(list) }),
            None => bytes(&HttpError {
                detail: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
                request_id: status.is_server_error().then(|| Cow::Borrowed(id.as_str())),
            }),
        }
    }
}

/// An error response with this detail.
pub(crate) fn failure(status: StatusCode, detail: &str) -> Response {
    json(status, bytes(&HttpError { detail: Cow::Borrowed(detail), request_id: None }))
}

fn bytes(body: &impl Serialize) -> Bytes {
    // Strings and lists of strings can always be serialized.
    serde_json::to_vec(body).map(Bytes::from).unwrap_or_default()
}

fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
