//! What is wrong with JSON that is read.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::integer_bounds;
use crate::error::Step;
use crate::foreign_messages::unknown_field;

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// It is not JSON. What is wrong with it `serde_json` says best.
    Syntax,
    /// A field that is not there.
    MissingField(&'static str),
    /// A field that nobody asked for.
    UnknownField(String),
    /// A value of another type, or an integer beyond it; what is expected instead.
    WrongType(String),
    /// None of the variants that are expected.
    UnknownVariant(&'static [&'static str]),
    /// A value that its type does not take, in the words of whoever refused it.
    Custom(String),
}

/// A mistake in a body.
#[derive(Debug, PartialEq)]
pub(crate) struct LocatedError {
    pub(crate) kind: ErrorKind,
    /// The way to it from the whole body.
    pub(crate) path: Vec<Step>,
}

/// A mistake on its way up, one word wide: every result of every function that reads a type holds one.
#[derive(Debug)]
pub(crate) struct DeserializeError(Box<ErrorKind>);

pub(super) type Result<T, E = DeserializeError> = std::result::Result<T, E>;

impl DeserializeError {
    #[cold]
    pub(super) fn syntax() -> Self {
        ErrorKind::Syntax.into()
    }

    /// A value of another type than this one.
    #[cold]
    pub(super) fn wrong_type(expected: &dyn Expected) -> Self {
        ErrorKind::WrongType(expected.to_string()).into()
    }

    #[cold]
    pub(super) fn from_message(why: String) -> Self {
        // Serde's derive knows only this sentence of it where a field is flattened.
        match unknown_field(&why) {
            Some(field) => ErrorKind::UnknownField(field.to_owned()).into(),
            None => ErrorKind::Custom(why).into(),
        }
    }

    pub(crate) fn into_kind(self) -> ErrorKind {
        *self.0
    }
}

impl From<ErrorKind> for DeserializeError {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl de::Error for DeserializeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::from_message(message.to_string())
    }

    #[cold]
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wrong_type(expected)
    }

    #[cold]
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let is_integer = matches!(unexpected, Unexpected::Unsigned(_) | Unexpected::Signed(_));
        if is_integer && integer_bounds::bounds(&expected).is_some() {
            return ErrorKind::WrongType(expected).into();
        }
        Self::from_message(format!("invalid value: {unexpected}, expected {expected}"))
    }

    // Serde's own would be in every program once for each field.
    #[cold]
    fn duplicate_field(field: &'static str) -> Self {
        Self::from_message(format!("duplicate field `{field}`"))
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        ErrorKind::MissingField(field).into()
    }

    #[cold]
    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        ErrorKind::UnknownField(field.to_owned()).into()
    }

    #[cold]
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        ErrorKind::UnknownVariant(expected).into()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("not JSON"),
            Self::MissingField(field) => write!(f, "missing field `{field}`"),
            Self::UnknownField(field) => write!(f, "unknown field `{field}`"),
            Self::WrongType(expected) => write!(f, "wrong type, expected {expected}"),
            Self::UnknownVariant(expected) => {
                write!(f, "unknown variant, expected one of {}", expected.join(", "))
            }
            Self::Custom(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ErrorKind {}

impl std::error::Error for DeserializeError {}
