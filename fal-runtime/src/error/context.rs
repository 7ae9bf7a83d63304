//! Adds context, a status or a detail to a failure.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

use super::handler_error::Error;
use crate::error::Result;

/// Adds context, a status, a detail or a header to a failure.
///
/// It is implemented for every [`Result`](std::result::Result) whose error converts to an [`Error`], and for
/// [`Option`], whose `None` becomes an error.
///
/// ```
/// use fal_runtime::{Context, Result, StatusCode};
///
/// fn second<'a>(words: &[&'a str]) -> Result<&'a str> {
///     let word = words.get(1).status(StatusCode::NOT_FOUND).detail("there is no second word")?;
///     Ok(word)
/// }
///
/// assert_eq!(second(&["one"]).unwrap_err().status_code(), StatusCode::NOT_FOUND);
/// ```
pub trait Context<T> {
    /// Adds what was being done, for the log. The client does not see it.
    fn context(self, context: impl Into<Cow<'static, str>>) -> Result<T>;

    /// Sets the status of the response ([`Error::status`]).
    fn status(self, status: StatusCode) -> Result<T>;

    /// Sets the text that the client reads ([`Error::detail`]).
    fn detail(self, detail: impl Into<Cow<'static, str>>) -> Result<T>;

    /// Adds a header to the response ([`Error::header`]).
    fn header(self, name: &str, value: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, context: impl Into<Cow<'static, str>>) -> Result<T> {
        self.map_err(|error| error.into().push_context(context.into()))
    }

    fn status(self, status: StatusCode) -> Result<T> {
        self.map_err(|error| error.into().status(status))
    }

    fn detail(self, detail: impl Into<Cow<'static, str>>) -> Result<T> {
        self.map_err(|error| error.into().detail(detail))
    }

    fn header(self, name: &str, value: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().header(name, value))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, context: impl Into<Cow<'static, str>>) -> Result<T> {
        self.ok_or_else(|| Error::msg(context))
    }

    fn status(self, status: StatusCode) -> Result<T> {
        self.ok_or_else(|| nothing().status(status))
    }

    fn detail(self, detail: impl Into<Cow<'static, str>>) -> Result<T> {
        self.ok_or_else(|| nothing().detail(detail))
    }

    fn header(self, name: &str, value: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| nothing().header(name, value))
    }
}

fn nothing() -> Error {
    Error::msg("missing value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_becomes_an_error_with_its_context() {
        assert_eq!(None::<()>.context("no journal").unwrap_err().to_string(), "no journal");
        let missing = None::<()>.status(StatusCode::NOT_FOUND).context("by id").unwrap_err();
        assert_eq!(missing.status_code(), StatusCode::NOT_FOUND);
        assert_eq!(missing.to_string(), "by id: missing value");
    }

    #[test]
    fn a_success_passes_through() {
        let port: Result<u16> = "7".parse().context("port").status(StatusCode::BAD_REQUEST).detail("no port");
        assert_eq!(port.unwrap(), 7);
        assert_eq!(Some(7).detail("no port").unwrap(), 7);
    }
}
