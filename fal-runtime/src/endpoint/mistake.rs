//! The kinds of mistakes in a request, in the words that clients of the original know: pydantic's.

use std::borrow::Cow;

use serde_json::Value;

use super::json::Mistake;
use crate::error::{Invalid, Step};
use crate::openapi::object;

/// A mistake as it is told, before it is known where it is.
pub(super) struct Told {
    kind: &'static str,
    msg: Cow<'static, str>,
    ctx: Option<Value>,
}

impl Told {
    pub(super) fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, msg: msg.into(), ctx: None }
    }

    /// A mistake, and what stands in its place.
    pub(super) fn of(mistake: &Mistake, input: &Value) -> Self {
        match mistake {
            Mistake::Syntax => Self::new("json_invalid", "JSON decode error"),
            Mistake::Missing(_) => Self::missing(),
            Mistake::Unknown(_) => Self::new("extra_forbidden", "Extra inputs are not permitted"),
            Mistake::Variant(expected) => Self::variant(expected),
            Mistake::Refused(why) => Self::refused(why),
            Mistake::Type(expected) => match Scalar::named(expected) {
                Some(scalar) => scalar.told(input),
                None => structured(expected),
            },
        }
    }

    pub(super) fn missing() -> Self {
        Self::new("missing", "Field required")
    }

    /// None of these variants.
    pub(super) fn variant(expected: &[&str]) -> Self {
        let expected = one_of(expected);
        let told = Self::new("enum", format!("Input should be {expected}"));
        Self { ctx: Some(object([("expected", expected.into())]).into()), ..told }
    }

    /// A value that its type does not take, in the words of whoever refused it.
    pub(super) fn refused(why: &str) -> Self {
        Scalar::missed(why).map_or_else(|| Self::rule(why), Scalar::unreadable)
    }

    /// A value that breaks a rule of its type's own.
    pub(super) fn rule(message: &str) -> Self {
        Self::new("value_error", format!("Value error, {message}"))
    }

    pub(super) fn at(self, loc: Vec<Step>, input: Value) -> Invalid {
        Invalid { kind: self.kind, loc, msg: self.msg, input, ctx: self.ctx }
    }
}

/// What one word can be read as.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Integer,
    Number,
    Boolean,
}

impl Scalar {
    /// By the name of a type, as serde and axum give it.
    pub(super) fn named(expected: &str) -> Option<Self> {
        match expected {
            "a boolean" | "bool" => Some(Self::Boolean),
            "f32" | "f64" => Some(Self::Number),
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
            | "usize" => Some(Self::Integer),
            _ => None,
        }
    }

    /// By what the standard library, and `serde_urlencoded` after it, say of a text that does not parse.
    fn missed(sentence: &str) -> Option<Self> {
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
    fn told(self, input: &Value) -> Told {
        match (self, input) {
            (_, Value::String(_)) => self.unreadable(),
            // What is no fraction, but beyond what can be read of an integer.
            (Self::Integer, Value::Number(number))
                if number.as_f64().is_some_and(|number| number.fract() == 0.0) =>
            {
                Told::rule("the integer is out of range")
            }
            (Self::Integer, Value::Number(_)) => Told::new(
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part",
            ),
            (Self::Integer, _) => Told::new("int_type", "Input should be a valid integer"),
            (Self::Number, _) => Told::new("float_type", "Input should be a valid number"),
            (Self::Boolean, _) => Told::new("bool_type", "Input should be a valid boolean"),
        }
    }

    /// A text that cannot be read as this.
    pub(super) fn unreadable(self) -> Told {
        match self {
            Self::Integer => Told::new(
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            ),
            Self::Number => Told::new(
                "float_parsing",
                "Input should be a valid number, unable to parse string as a number",
            ),
            Self::Boolean => {
                Told::new("bool_parsing", "Input should be a valid boolean, unable to interpret input")
            }
        }
    }
}

/// Something of more than a word was expected.
fn structured(expected: &str) -> Told {
    match expected {
        "a string" | "a borrowed string" => Told::new("string_type", "Input should be a valid string"),
        "a sequence" => Told::new("list_type", "Input should be a valid list"),
        "a map" => Told::new("dict_type", "Input should be a valid dictionary"),
        tuple if tuple.starts_with("a tuple of ") || tuple.starts_with("tuple struct ") => {
            Told::new("tuple_type", "Input should be a valid tuple")
        }
        // An enum without its variants' names: what stands there is neither a name nor an object with one.
        variant if variant.starts_with("enum ") => Told::new(
            "enum",
            "Input should be the name of a variant, or an object whose one key is such a name",
        ),
        model if model == "a struct" || model.starts_with("struct ") || model.contains("ly tagged enum ") => {
            Told::new(
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
            )
        }
        other => Told::new("type_error", format!("Input should be {other}")),
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
