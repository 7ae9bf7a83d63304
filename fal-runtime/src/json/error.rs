//! Errors of deserialization, with their kinds and locations.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::integer_bounds;
use crate::error::Step;
use crate::foreign_messages::unknown_field;

/// The kind of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Malformed JSON. `serde_json` has the message.
    Syntax,
    /// A missing field.
    MissingField(&'static str),
    /// A field that the type does not have.
    UnknownField(String),
    /// A value of the wrong type, or an integer out of bounds; with the expected type.
    WrongType(String),
    /// An unknown variant; with the expected ones.
    UnknownVariant(&'static [&'static str]),
    /// A text that is not UTF-8.
    NotUnicode,
    /// A value that its type rejects; with the type's message.
    Custom(String),
}

/// An error with its location.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocatedError {
    pub(crate) kind: ErrorKind,
    /// The path from the root of the body.
    pub(crate) path: Vec<Step>,
}

/// A deserialization error. It is one word wide, since every result of the generated code holds one.
#[derive(Debug)]
pub(crate) struct DeserializeError(Box<ErrorKind>);

pub(super) type Result<T, E = DeserializeError> = std::result::Result<T, E>;

impl DeserializeError {
    #[cold]
    pub(super) fn syntax() -> Self {
        ErrorKind::Syntax.into()
    }

    /// The wrong type; `expected` is the right one.
    #[cold]
    pub(super) fn wrong_type(expected: &dyn Expected) -> Self {
        ErrorKind::WrongType(expected.to_string()).into()
    }

    #[cold]
    pub(super) fn from_message(why: String) -> Self {
        // Where a field is flattened, serde's derive reports an unknown field by a message only.
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
        let is_integer = matches!(
            unexpected,
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Other("i128" | "u128")
        );
        let is_wide = matches!(expected.as_str(), "i128" | "u128");
        if is_integer && (is_wide || integer_bounds::bounds(&expected).is_some()) {
            return ErrorKind::WrongType(expected).into();
        }
        Self::from_message(format!("invalid value: {unexpected}, expected {expected}"))
    }

    // serde's default would be compiled into each program once for each field.
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
            Self::NotUnicode => f.write_str("not UTF-8"),
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
