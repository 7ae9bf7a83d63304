//! The kinds of mistakes in a request, in the words that clients of the original know: pydantic's.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Step, ValidationError};
use crate::json::{ErrorKind, integer_bounds, object};

/// A mistake as it is told, before it is known where it is.
pub(super) struct PydanticError {
    kind: &'static str,
    msg: Cow<'static, str>,
    ctx: Option<Value>,
}

impl PydanticError {
    pub(super) fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, msg: msg.into(), ctx: None }
    }

    /// A mistake, and what stands in its place.
    pub(super) fn of(kind: &ErrorKind, input: &Value) -> Self {
        match kind {
            ErrorKind::Syntax => Self::new("json_invalid", "JSON decode error"),
            ErrorKind::MissingField(_) => Self::missing(),
            ErrorKind::UnknownField(_) => Self::new("extra_forbidden", "Extra inputs are not permitted"),
            ErrorKind::UnknownVariant(expected) => Self::variant(expected),
            ErrorKind::Custom(why) => Self::custom(why, input),
            ErrorKind::WrongType(expected) => Self::wrong_type(expected, input),
        }
    }

    pub(super) fn missing() -> Self {
        Self::new("missing", "Field required")
    }

    /// None of these variants.
    pub(super) fn variant(expected: &[&str]) -> Self {
        let expected = one_of(expected);
        let error = Self::new("enum", format!("Input should be {expected}"));
        Self { ctx: Some(object([("expected", expected.into())]).into()), ..error }
    }

    /// A value of another type than this one, or an integer beyond it.
    pub(super) fn wrong_type(expected: &str, input: &Value) -> Self {
        match Scalar::of_expected(expected) {
            Some(Scalar::Integer) => {
                out_of_bounds(expected, input).unwrap_or_else(|| Scalar::Integer.wrong_type(input))
            }
            Some(scalar) => scalar.wrong_type(input),
            None => structured(expected),
        }
    }

    /// A value that its type does not take, in the words of whoever refused it.
    pub(super) fn custom(why: &str, input: &Value) -> Self {
        match Scalar::of_parse_error(why) {
            // Of which type is not known.
            Some(Scalar::Integer) if integer(input).is_some() => Self::out_of_range(),
            Some(scalar) => scalar.unparsable(),
            None => Self::value_error(why),
        }
    }

    /// The same, where the words may be serde's of a value that is not as its type expects.
    pub(super) fn sentence(why: &str, input: &Value) -> Self {
        match why.split_once(", expected ") {
            Some((_, expected)) if Scalar::of_expected(expected).is_some() => {
                Self::wrong_type(expected, input)
            }
            _ => Self::custom(why, input),
        }
    }

    fn out_of_range() -> Self {
        Self::value_error("the integer is out of range")
    }

    /// An integer that is not as it has to be to this end of its type.
    fn bound(kind: &'static str, words: &str, sign: &str, end: &Value) -> Self {
        let error = Self::new(kind, format!("Input should be {words} than or equal to {end}"));
        Self { ctx: Some(object([(sign, end.clone())]).into()), ..error }
    }

    /// A value that breaks a rule of its type's own.
    pub(super) fn value_error(message: &str) -> Self {
        Self::new("value_error", format!("Value error, {message}"))
    }

    pub(super) fn at(self, loc: Vec<Step>, input: Value) -> ValidationError {
        ValidationError { kind: self.kind, loc, msg: self.msg, input, ctx: self.ctx }
    }
}

/// An integer as a number, or as the text that a parameter is. One that is wider than all types is the last of the widest.
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

/// What is wrong with an integer beyond what its type holds.
fn out_of_bounds(name: &str, input: &Value) -> Option<PydanticError> {
    let integer = integer(input)?;
    match integer_bounds::bounds(name) {
        Some((least, _)) if integer < least.into() => {
            Some(PydanticError::bound("greater_than_equal", "greater", "ge", &least.into()))
        }
        Some((_, most)) if integer > most.into() => {
            Some(PydanticError::bound("less_than_equal", "less", "le", &most.into()))
        }
        // A text that is within them is a text where a number is expected.
        Some(_) if input.is_string() => None,
        _ => Some(PydanticError::out_of_range()),
    }
}

/// What one word can be read as.
#[derive(Clone, Copy)]
enum Scalar {
    Integer,
    Number,
    Boolean,
}

impl Scalar {
    /// By the name of a type, as serde and axum give it.
    fn of_expected(expected: &str) -> Option<Self> {
        match expected {
            "a boolean" | "bool" => Some(Self::Boolean),
            "f32" | "f64" => Some(Self::Number),
            "i128" | "u128" => Some(Self::Integer),
            other => integer_bounds::bounds(other).map(|_| Self::Integer),
        }
    }

    /// By what the standard library, and `serde_urlencoded` after it, say of a text that does not parse.
    fn of_parse_error(sentence: &str) -> Option<Self> {
        match sentence {
            "invalid digit found in string"
            | "cannot parse integer from empty string"
            | "number too large to fit in target type"
            | "number too small to fit in target type" => Some(Self::Integer),
            "invalid float literal" | "cannot parse float from empty string" => Some(Self::Number),
            "provided string was not `true` or `false`" => Some(Self::Boolean),
            _ => None,
        }
    }

    /// This was expected, and something else stands there. The original would have read a text.
    fn wrong_type(self, input: &Value) -> PydanticError {
        match (self, input) {
            (_, Value::String(_)) => self.unparsable(),
            (Self::Integer, Value::Number(_)) => PydanticError::new(
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part",
            ),
            (Self::Integer, _) => PydanticError::new("int_type", "Input should be a valid integer"),
            (Self::Number, _) => PydanticError::new("float_type", "Input should be a valid number"),
            (Self::Boolean, _) => PydanticError::new("bool_type", "Input should be a valid boolean"),
        }
    }

    /// A text that cannot be read as this.
    fn unparsable(self) -> PydanticError {
        match self {
            Self::Integer => PydanticError::new(
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            ),
            Self::Number => PydanticError::new(
                "float_parsing",
                "Input should be a valid number, unable to parse string as a number",
            ),
            Self::Boolean => PydanticError::new(
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
            ),
        }
    }
}

/// Something of more than a word was expected.
fn structured(expected: &str) -> PydanticError {
    match expected {
        "a string" | "a borrowed string" => {
            PydanticError::new("string_type", "Input should be a valid string")
        }
        "a sequence" => PydanticError::new("list_type", "Input should be a valid list"),
        "a map" => PydanticError::new("dict_type", "Input should be a valid dictionary"),
        tuple if tuple.starts_with("a tuple of ") || tuple.starts_with("tuple struct ") => {
            PydanticError::new("tuple_type", "Input should be a valid tuple")
        }
        // An enum without its variants' names: what stands there is neither a name nor an object with one.
        variant if variant.starts_with("enum ") => PydanticError::new(
            "enum",
            "Input should be the name of a variant, or an object whose one key is such a name",
        ),
        model if model == "a struct" || model.starts_with("struct ") || model.contains("ly tagged enum ") => {
            PydanticError::new(
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
            )
        }
        other => PydanticError::new("type_error", format!("Input should be {other}")),
    }
}

/// Variants as a sentence lists them.
fn one_of(variants: &[&str]) -> String {
    match variants {
        [] => "nothing".to_owned(),
        [only] => format!("'{only}'"),
        [first @ .., last] => format!("'{}' or '{last}'", first.join("', '")),
    }
}
