//! What is wrong with JSON that is read.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::integer_bounds;
use crate::error::Step;

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// It is not JSON. What is wrong with it `serde_json` says best.
    Syntax,
    /// A field that is not there.
    Missing(&'static str),
    /// A field that nobody asked for.
    Unknown(String),
    /// A value of another type, or an integer beyond it; what is expected instead.
    Type(String),
    /// None of the variants that are expected.
    Variant(&'static [&'static str]),
    /// A value that its type does not take, in the words of whoever refused it.
    Refused(String),
}

/// A mistake in a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Located {
    pub(crate) mistake: Mistake,
    /// The way to it from the whole body.
    pub(crate) path: Vec<Step>,
}

/// A mistake on its way up, one word wide: every result of every function that reads a type holds one.
#[derive(Debug)]
pub(crate) struct Fault(Box<Mistake>);

pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    #[cold]
    pub(super) fn syntax() -> Self {
        Mistake::Syntax.into()
    }

    /// A value of another type than this one.
    #[cold]
    pub(super) fn another_type(expected: &dyn Expected) -> Self {
        Mistake::Type(expected.to_string()).into()
    }

    #[cold]
    pub(super) fn refused(why: String) -> Self {
        // Serde's derive knows only this sentence of it where a field is flattened.
        match why.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => Mistake::Unknown(field.to_owned()).into(),
            None => Mistake::Refused(why).into(),
        }
    }

    pub(crate) fn into_mistake(self) -> Mistake {
        *self.0
    }
}

impl From<Mistake> for Fault {
    fn from(mistake: Mistake) -> Self {
        Self(Box::new(mistake))
    }
}

impl de::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::refused(message.to_string())
    }

    #[cold]
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::another_type(expected)
    }

    #[cold]
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let is_integer = matches!(unexpected, Unexpected::Unsigned(_) | Unexpected::Signed(_));
        if is_integer && integer_bounds::ends(&expected).is_some() {
            return Mistake::Type(expected).into();
        }
        Self::refused(format!("invalid value: {unexpected}, expected {expected}"))
    }

    // Serde's own would be in every program once for each field.
    #[cold]
    fn duplicate_field(field: &'static str) -> Self {
        Self::refused(format!("duplicate field `{field}`"))
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        Mistake::Missing(field).into()
    }

    #[cold]
    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Mistake::Unknown(field.to_owned()).into()
    }

    #[cold]
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Mistake::Variant(expected).into()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("not JSON"),
            Self::Missing(field) => write!(f, "missing field `{field}`"),
            Self::Unknown(field) => write!(f, "unknown field `{field}`"),
            Self::Type(expected) => write!(f, "wrong type, expected {expected}"),
            Self::Variant(expected) => write!(f, "unknown variant, expected one of {}", expected.join(", ")),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Mistake {}

impl std::error::Error for Fault {}
