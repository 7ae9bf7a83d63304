use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Detail, Error, Invalid};

/// What a client reads of a failure.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HTTPError")]
pub(crate) struct HttpError<'a> {
    /// What went wrong, as far as the client may know.
    pub(crate) detail: Cow<'a, str>,
}

/// What a client reads of a request that does not say what it has to say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HTTPValidationError")]
pub(crate) struct HttpValidationError<'a> {
    /// Every mistake that was found.
    pub(crate) detail: Cow<'a, [Invalid]>,
}

impl Error {
    /// The response that the client gets.
    pub(crate) fn response(&self) -> Response {
        match &self.0.detail {
            Some(Detail::Text(text)) => failure(self.0.status, text),
            Some(Detail::Invalid(list)) => {
                json(self.0.status, &HttpValidationError { detail: Cow::Borrowed(list) })
            }
            None => failure(self.0.status, self.0.status.canonical_reason().unwrap_or("Error")),
        }
    }
}

/// A failure with its one body.
pub(crate) fn failure(status: StatusCode, detail: &str) -> Response {
    json(status, &HttpError { detail: Cow::Borrowed(detail) })
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Strings and lists of strings have a JSON form; an empty body is better than none.
    let mut response = Response::new(Body::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
