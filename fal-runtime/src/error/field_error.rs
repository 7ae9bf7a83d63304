//! Errors in fields that an endpoint finds itself.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::handler_error::Error;
use super::validation_error::{Step, ValidationError};

/// An error in one field of a request that an endpoint finds itself. The client reads it in the same form as the errors that
/// fal-runtime finds: status 422 with a list.
///
/// The location begins with the part of the request: `body`, `path`, `query`, `header` or `cookie`.
///
/// ```
/// use fal_runtime::{FieldError, Result, StatusCode};
///
/// fn known(languages: &[&str]) -> Result<()> {
///     for (index, language) in languages.iter().enumerate() {
///         if *language == "klingon" {
///             let error = FieldError::new("unknown_language", "there is no language called klingon");
///             return Err(error.at("body").at("languages").at(index).input(language).into());
///         }
///     }
///     Ok(())
/// }
///
/// assert_eq!(known(&["latin", "klingon"]).unwrap_err().status_code(), StatusCode::UNPROCESSABLE_ENTITY);
/// ```
///
/// [`Error::invalid`] makes one error of several.
#[derive(Clone, Debug)]
#[must_use]
pub struct FieldError(ValidationError);

impl FieldError {
    /// An error of this kind, for programs, with this message, for people. Kinds are words such as `value_error` and `missing`.
    pub fn new(kind: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(ValidationError { kind, loc: Vec::new(), msg: message.into(), input: Value::Null, ctx: None })
    }

    /// Adds a step to the location: a key, or an index of a list.
    pub fn at(mut self, step: impl Into<FieldStep>) -> Self {
        self.0.loc.push(step.into().0);
        self
    }

    /// Sets the invalid value that the client reads. Default: null. A value that cannot be serialized as JSON is null.
    pub fn input(mut self, value: impl Serialize) -> Self {
        self.0.input = serde_json::to_value(value).unwrap_or_default();
        self
    }
}

/// A step of a [`FieldError`]'s location: a key, or an index of a list.
#[derive(Clone, Debug)]
pub struct FieldStep(Step);

impl From<&'static str> for FieldStep {
    fn from(key: &'static str) -> Self {
        Self(Step::Key(key.into()))
    }
}

impl From<String> for FieldStep {
    fn from(key: String) -> Self {
        Self(Step::Key(key.into()))
    }
}

impl From<usize> for FieldStep {
    fn from(index: usize) -> Self {
        Self(Step::Index(index))
    }
}

impl Error {
    /// An invalid request: status 422 with this list of errors.
    pub fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Self {
        let errors: Vec<_> = errors.into_iter().map(|FieldError(error)| error).collect();
        let messages: Vec<_> = errors.iter().map(|error| &*error.msg).collect();
        let log = Self::msg(format!("invalid request: {}", messages.join("; ")));
        log.status(StatusCode::UNPROCESSABLE_ENTITY).with_list(errors)
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::invalid([error])
    }
}
