//! The error of endpoints.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::{HeaderMap, StatusCode};

use super::header::{self, FRAMING};
use super::validation_error::ValidationError;

/// The error of an endpoint: its cause for the log, and what the client may read.
///
/// `?` converts any [`std::error::Error`]. The client then reads status 500 and "Internal Server Error", and the
/// log has the error with all its causes. [`status`](Self::status) and [`detail`](Self::detail) change what the
/// client reads; [`context`](super::Context::context) adds to the log.
///
/// ```
/// use fal_runtime::{Context, Error, Result, StatusCode};
///
/// fn port(text: &str) -> Result<u16> {
///     let port = text.parse().context("reading the port").detail("the port is a number up to 65535")?;
///     if port == 0 {
///         return Err(Error::new(StatusCode::CONFLICT, "port 0 is taken"));
///     }
///     Ok(port)
/// }
///
/// assert_eq!(port("x").unwrap_err().to_string(), "reading the port: invalid digit found in string");
/// ```
///
/// It does not implement [`std::error::Error`], since it could not convert from all of them then.
pub struct Error(pub(super) Box<Inner>);

/// A `Result` with this crate's [`Error`] as its default error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(super) struct Inner {
    pub(super) status: StatusCode,
    pub(super) detail: Option<Detail>,
    /// The headers of the response.
    pub(super) headers: HeaderMap,
    source: Box<dyn StdError + Send + Sync>,
    /// Oldest first.
    context: Vec<Cow<'static, str>>,
}

/// The text or list that the client reads.
pub(super) enum Detail {
    Text(Cow<'static, str>),
    Validation(Vec<ValidationError>),
}

/// An error that consists of a text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(Cow<'static, str>);

impl Error {
    /// An error that the client may read, with this status and text. The log has the same text.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self::of(Message(detail.clone())).status(status).detail(detail)
    }

    /// An error for the log only. The client reads "Internal Server Error".
    pub fn msg(message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Message(message.into()))
    }

    /// Converts a boxed error and keeps its causes. An `anyhow::Error`, an `eyre::Report` and a text are converted, too.
    ///
    /// `?` cannot convert these, because they do not implement [`std::error::Error`].
    ///
    /// ```
    /// use fal_runtime::{Error, Result};
    ///
    /// fn load() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    ///     Ok("7".parse()?)
    /// }
    ///
    /// fn setup() -> Result<u32> {
    ///     let weights = load().map_err(Error::from_boxed)?;
    ///     Ok(weights)
    /// }
    /// # setup().unwrap();
    /// ```
    #[cold]
    pub fn from_boxed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::boxed(error.into())
    }

    /// Sets the status of the response. Its reason phrase is the detail unless another is set. A status outside of
    /// 400 to 599 becomes 500.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        let is_error = status.is_client_error() || status.is_server_error();
        self.0.status = if is_error { status } else { StatusCode::INTERNAL_SERVER_ERROR };
        self
    }

    /// Sets the text that the client reads. For text that belongs in the log only, use
    /// [`context`](super::Context::context).
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(Detail::Text(detail.into()));
        self
    }

    /// Adds a header to the response, such as `www-authenticate` or `retry-after`. `connection`, `content-length` and
    /// `transfer-encoding` are ignored: the server sets them. An invalid name or value is not sent; the log names it.
    ///
    /// ```
    /// use fal_runtime::{Error, StatusCode};
    ///
    /// let busy = Error::new(StatusCode::TOO_MANY_REQUESTS, "try again later").header("retry-after", 30);
    /// # let _ = busy;
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        match header::parse(name, &value) {
            Ok((name, value)) if !FRAMING.contains(&name) => {
                self.0.headers.append(name, value);
                self
            }
            Ok(_) => self,
            Err(invalid) => self.push_context(invalid.to_string().into()),
        }
    }

    /// The status of the response. Default: 500.
    pub fn status_code(&self) -> StatusCode {
        self.0.status
    }

    /// An invalid request: status 422 with a list of errors, as FastAPI sends it.
    pub(crate) fn validation(
        source: impl StdError + Send + Sync + 'static,
        mistakes: Vec<ValidationError>,
    ) -> Self {
        Self::of(source).status(StatusCode::UNPROCESSABLE_ENTITY).with_list(mistakes)
    }

    /// Sets the list of errors that the client reads.
    pub(super) fn with_list(mut self, mistakes: Vec<ValidationError>) -> Self {
        self.0.detail = Some(Detail::Validation(mistakes));
        self
    }

    /// Adds headers to the response.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.0.headers = headers;
        self
    }

    /// The error of a caught panic.
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Self::msg(format!("panicked: {}", text.unwrap_or("without a message")))
    }

    pub(crate) fn of(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::boxed(Box::new(source))
    }

    #[cold]
    fn boxed(source: Box<dyn StdError + Send + Sync>) -> Self {
        let (status, headers) = (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new());
        Self(Box::new(Inner { status, detail: None, headers, source, context: Vec::new() }))
    }

    pub(super) fn push_context(mut self, context: Cow<'static, str>) -> Self {
        self.0.context.push(context);
        self
    }
}

/// Writes the context, the error and its causes in one line, for the log.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.0.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        write!(f, "{}", self.0.source)?;
        let mut cause = self.0.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The same as [`Display`](fmt::Display), since a `main` that returns a [`Result`] prints it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::error::Context;

    fn lost() -> io::Error {
        io::Error::other("connection reset")
    }

    #[test]
    fn any_error_becomes_a_500_by_the_question_mark() {
        fn fails() -> Result<()> {
            Err(lost())?;
            Ok(())
        }
        let error = fails().unwrap_err();
        assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(error.to_string(), "connection reset");
    }

    #[test]
    fn the_log_has_the_context_newest_first_and_every_cause() {
        #[derive(Debug, thiserror::Error)]
        #[error("no ping")]
        struct NoPing(#[source] io::Error);

        let failed: Result<(), _> = Err(NoPing(lost()));
        let error = failed.context("asking the journal").context("checking health").unwrap_err();
        assert_eq!(error.to_string(), "checking health: asking the journal: no ping: connection reset");
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn a_status_below_400_becomes_500() {
        for status in [StatusCode::OK, StatusCode::FOUND, StatusCode::CONTINUE] {
            assert_eq!(Error::from(lost()).status(status).status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(Error::new(StatusCode::NOT_FOUND, "x").status_code(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
