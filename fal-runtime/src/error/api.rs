//! What `#[derive(ApiError)]` implements: an app's own errors.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

use super::handler_error::Error;

/// An app's own error type that declares the status and text of each failure. `#[derive(ApiError)]` on an enum
/// implements it.
///
/// The OpenAPI document lists its failures for every endpoint that returns it.
pub trait ApiError: fmt::Display + Into<Error> {
    /// The failures, in the order of declaration.
    const FAILURES: &'static [DeclaredFailure];
}

/// One failure that an [`ApiError`] declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredFailure {
    status: u16,
    detail: &'static str,
    headers: &'static [&'static str],
}

impl DeclaredFailure {
    /// A failure with a status from 400 to 599 and a detail, in which fields are `{name}`. An empty detail stands
    /// for the reason phrase of the status.
    pub const fn new(status: u16, detail: &'static str) -> Self {
        Self { status, detail, headers: &[] }
    }

    /// Sets the names of the headers that its response has.
    #[must_use]
    pub const fn with_headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = names;
        self
    }

    /// The names of the headers that its response has.
    pub fn headers(&self) -> &'static [&'static str] {
        self.headers
    }

    /// The status. It is 500 if another one than 400 to 599 was declared.
    pub fn status(&self) -> StatusCode {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let is_error = status.is_client_error() || status.is_server_error();
        if is_error { status } else { StatusCode::INTERNAL_SERVER_ERROR }
    }

    /// The text that clients read.
    pub fn detail(&self) -> &'static str {
        if self.detail.is_empty() { self.status().canonical_reason().unwrap_or("Error") } else { self.detail }
    }
}

/// The parts of one [`ApiError`] value, for the log and for the client.
#[derive(Debug)]
pub struct ErrorParts {
    /// The output of its `Display`, for the log.
    pub log: String,
    /// The text that the client reads. Default: the reason phrase of the status.
    pub detail: Option<String>,
    /// Its cause.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The cause of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the cause of an error",
    label = "not a `std::error::Error`: remove `#[source]` or `#[from]` from this field"
)]
pub trait Cause: Into<Box<dyn StdError + Send + Sync>> {}

#[diagnostic::do_not_recommend]
impl<T: Into<Box<dyn StdError + Send + Sync>>> Cause for T {}

/// Erases the type of a cause.
pub fn cause<T: Cause>(cause: T) -> Option<Box<dyn StdError + Send + Sync>> {
    Some(cause.into())
}

/// Builds an [`Error`] from the parts of an [`ApiError`] value.
pub fn to_error(status: u16, ErrorParts { log, detail, source }: ErrorParts) -> Error {
    let status = DeclaredFailure::new(status, "").status();
    let error = Error::of(Declared { log, source }).status(status);
    match detail {
        Some(detail) => error.detail(Cow::Owned(detail)),
        None => error,
    }
}

/// Adds the headers of an [`ApiError`] value.
pub fn with_headers(error: Error, headers: Vec<(&'static str, String)>) -> Error {
    headers.into_iter().fold(error, |error, (name, value)| error.header(name, value))
}

#[derive(Debug, thiserror::Error)]
#[error("{log}")]
struct Declared {
    log: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}
