//! What `#[derive(ApiError)]` implements: an app's own errors.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

use super::handler_error::Error;

/// An error of an app's own that says what clients are told: `#[derive(ApiError)]` on an enum writes it.
///
/// The OpenAPI document lists its failures with every endpoint that returns it.
pub trait ApiError: fmt::Display + Into<Error> {
    /// What clients may be told, in the order of declaration.
    const FAILURES: &'static [DeclaredFailure];
}

/// One failure that an [`ApiError`] declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredFailure {
    status: u16,
    detail: &'static str,
}

impl DeclaredFailure {
    /// A status from 400 to 599, and the text that clients read, with its fields as `{name}`; empty where it is the
    /// status's usual words.
    pub const fn new(status: u16, detail: &'static str) -> Self {
        Self { status, detail }
    }

    /// The status; 500 where it is none of an error's.
    pub fn status(&self) -> StatusCode {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let is_error = status.is_client_error() || status.is_server_error();
        if is_error { status } else { StatusCode::INTERNAL_SERVER_ERROR }
    }

    /// What clients read.
    pub fn detail(&self) -> &'static str {
        if self.detail.is_empty() { self.status().canonical_reason().unwrap_or("Error") } else { self.detail }
    }
}

/// What one value of an [`ApiError`] is: for the log, and for the client.
#[derive(Debug)]
pub struct ErrorParts {
    /// What the value's `Display` says.
    pub log: String,
    /// What the client reads; the status's usual words where there is none.
    pub detail: Option<String>,
    /// What it comes from.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a failure may come from.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the cause of an error",
    label = "not a `std::error::Error`: remove `#[source]` or `#[from]` from this field"
)]
pub trait Cause: Into<Box<dyn StdError + Send + Sync>> {}

#[diagnostic::do_not_recommend]
impl<T: Into<Box<dyn StdError + Send + Sync>>> Cause for T {}

/// What a failure comes from, its type erased.
pub fn cause<T: Cause>(cause: T) -> Option<Box<dyn StdError + Send + Sync>> {
    Some(cause.into())
}

/// A value of an [`ApiError`] as an [`Error`].
pub fn to_error(status: u16, ErrorParts { log, detail, source }: ErrorParts) -> Error {
    let status = DeclaredFailure::new(status, "").status();
    let error = Error::of(Declared { log, source }).status(status);
    match detail {
        Some(detail) => error.detail(Cow::Owned(detail)),
        None => error,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{log}")]
struct Declared {
    log: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}
