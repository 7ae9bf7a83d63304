//! Error types and messages of pydantic, which clients of FastAPI and of fal's Python SDK know.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Step, ValidationError};
use crate::foreign_messages::{self, Expected};
use crate::json::{ErrorKind, integer_bounds, object};

/// An error without its location.
pub(super) struct PydanticError {
    kind: &'static str,
    msg: Cow<'static, str>,
    ctx: Option<Value>,
}

impl PydanticError {
    pub(super) fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, msg: msg.into(), ctx: None }
    }

    /// The error of this kind at this input.
    pub(super) fn of(kind: &ErrorKind, input: &Value) -> Self {
        match kind {
            ErrorKind::Syntax => Self::new("json_invalid", "JSON decode error"),
            ErrorKind::MissingField(_) => Self::missing(),
            ErrorKind::UnknownField(_) => Self::new("extra_forbidden", "Extra inputs are not permitted"),
            ErrorKind::UnknownVariant(expected) => Self::variant(expected),
            ErrorKind::NotUnicode => Self::not_unicode(),
            ErrorKind::Custom(why) => Self::custom(why, input),
            ErrorKind::WrongType(expected) => Self::wrong_type(expected, input),
        }
    }

    pub(super) fn missing() -> Self {
        Self::new("missing", "Field required")
    }

    pub(super) fn not_unicode() -> Self {
        Self::new(
            "string_unicode",
            "Input should be a valid string, unable to parse raw data as a unicode string",
        )
    }

    /// An unknown variant; with the expected ones.
    pub(super) fn variant(expected: &[&str]) -> Self {
        let expected = one_of(expected);
        let error = Self::new("enum", format!("Input should be {expected}"));
        Self { ctx: Some(object([("expected", expected.into())]).into()), ..error }
    }

    /// A value of another type than the one of this name, or an integer outside of its bounds.
    pub(super) fn wrong_type(name: &str, input: &Value) -> Self {
        let expected = Expected::of(name);
        let bounds = if expected == Expected::Integer { out_of_bounds(name, input) } else { None };
        bounds.or_else(|| wrong_scalar(expected, input)).unwrap_or_else(|| wrong_structure(expected, name))
    }

    /// A value that its type rejects with this message.
    pub(super) fn custom(message: &str, input: &Value) -> Self {
        match Expected::of_parse_error(message) {
            // The message does not name the type.
            Some(Expected::Integer) if integer(input).is_some() => Self::out_of_range(),
            Some(expected) => unparsable(expected).unwrap_or_else(|| Self::value_error(message)),
            None => Self::value_error(message),
        }
    }

    /// The same, for a message that may be serde's own.
    pub(super) fn sentence(message: &str, input: &Value) -> Self {
        let name = foreign_messages::expectation(message);
        match name.filter(|name| wrong_scalar(Expected::of(name), input).is_some()) {
            Some(name) => Self::wrong_type(name, input),
            None => Self::custom(message, input),
        }
    }

    fn out_of_range() -> Self {
        Self::value_error("the integer is out of range")
    }

    /// An integer beyond one bound of its type.
    fn bound(kind: &'static str, words: &str, sign: &str, end: &Value) -> Self {
        let error = Self::new(kind, format!("Input should be {words} than or equal to {end}"));
        Self { ctx: Some(object([(sign, end.clone())]).into()), ..error }
    }

    /// A value that breaks a rule of its type.
    pub(super) fn value_error(message: &str) -> Self {
        Self::new("value_error", format!("Value error, {message}"))
    }

    pub(super) fn at(self, loc: Vec<Step>, input: Value) -> ValidationError {
        ValidationError { kind: self.kind, loc, msg: self.msg, input, ctx: self.ctx }
    }
}

/// The integer in a number or in a parameter's text. It saturates.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn integer(input: &Value) -> Option<i128> {
    match input {
        Value::Number(number) => match number.as_i128() {
            Some(number) => Some(number),
            None => number.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i128),
        },
        Value::String(text) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let last = if text.starts_with('-') { i128::MIN } else { i128::MAX };
            is_integer.then(|| text.parse().unwrap_or(last))
        }
        _ => None,
    }
}

/// The error of an integer out of bounds.
fn out_of_bounds(name: &str, input: &Value) -> Option<PydanticError> {
    let integer = integer(input)?;
    match integer_bounds::bounds(name) {
        // A text within the bounds is a text where a number was expected.
        Some((least, most)) if input.is_string() && (least.into()..=most.into()).contains(&integer) => None,
        // A number that seems to be within the bounds was rounded to one of them.
        Some((least, _)) if integer < 1 => {
            Some(PydanticError::bound("greater_than_equal", "greater", "ge", &least.into()))
        }
        Some((_, most)) => Some(PydanticError::bound("less_than_equal", "less", "le", &most.into())),
        None if name == "u128" && integer < 0 => {
            Some(PydanticError::bound("greater_than_equal", "greater", "ge", &0.into()))
        }
        _ => Some(PydanticError::out_of_range()),
    }
}

/// A scalar was expected, and another value stands there. FastAPI would have parsed a text.
fn wrong_scalar(expected: Expected, input: &Value) -> Option<PydanticError> {
    let (kind, message) = match (expected, input) {
        (Expected::Integer | Expected::Float | Expected::Boolean, Value::String(_)) => {
            return unparsable(expected);
        }
        // Beyond all floats, which is JSON if `serde_json` has the feature `arbitrary_precision`.
        (Expected::Integer | Expected::Float, Value::Number(number)) if number.as_f64().is_none() => {
            ("finite_number", "Input should be a finite number")
        }
        (Expected::Integer, Value::Number(_)) => {
            ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
        }
        (Expected::Integer, _) => ("int_type", "Input should be a valid integer"),
        (Expected::Float, _) => ("float_type", "Input should be a valid number"),
        (Expected::Boolean, _) => ("bool_type", "Input should be a valid boolean"),
        _ => return None,
    };
    Some(PydanticError::new(kind, message))
}

/// A text that cannot be parsed as a scalar.
fn unparsable(expected: Expected) -> Option<PydanticError> {
    let (kind, message) = match expected {
        Expected::Integer => {
            ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
        }
        Expected::Float => {
            ("float_parsing", "Input should be a valid number, unable to parse string as a number")
        }
        Expected::Boolean => ("bool_parsing", "Input should be a valid boolean, unable to interpret input"),
        _ => return None,
    };
    Some(PydanticError::new(kind, message))
}

/// Another type than a scalar was expected.
fn wrong_structure(expected: Expected, name: &str) -> PydanticError {
    let (kind, message) = match expected {
        Expected::String => ("string_type", "Input should be a valid string"),
        Expected::List => ("list_type", "Input should be a valid list"),
        Expected::Map => ("dict_type", "Input should be a valid dictionary"),
        Expected::Tuple => ("tuple_type", "Input should be a valid tuple"),
        // serde does not say which variants there are.
        Expected::Enum => {
            ("enum", "Input should be the name of a variant, or an object whose one key is such a name")
        }
        Expected::Struct | Expected::TaggedEnum => {
            ("model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
        }
        _ => return PydanticError::new("type_error", format!("Input should be {name}")),
    };
    PydanticError::new(kind, message)
}

/// Formats variants as a list in a sentence.
fn one_of(variants: &[&str]) -> String {
    match variants {
        [] => "nothing".to_owned(),
        [only] => format!("'{only}'"),
        [first @ .., last] => format!("'{}' or '{last}'", first.join("', '")),
    }
}
