//! Messages of serde, axum, `serde_json` and the standard library that are distinguished by their words.
//!
//! Those crates offer no other way. Each sentence has a test that makes the real crate write it: a release that words it
//! otherwise fails the test, and not a request.

use crate::json::integer_bounds;

#[cfg(test)]
mod tests;

/// The type that a message expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Boolean,
    Integer,
    Float,
    String,
    List,
    Map,
    Tuple,
    Struct,
    Enum,
    /// An enum whose tag is a field of an object.
    TaggedEnum,
    Unit,
    Other,
}

impl Expected {
    /// Reads the name of a type, as serde and axum write it: `a boolean`, `u8`, `struct Input`.
    pub(crate) fn of(name: &str) -> Self {
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        match name {
            "a boolean" | "bool" => Self::Boolean,
            "f32" | "f64" => Self::Float,
            "i128" | "u128" => Self::Integer,
            "a string" | "a borrowed string" => Self::String,
            "a sequence" => Self::List,
            "a map" => Self::Map,
            "a struct" => Self::Struct,
            _ if integer_bounds::bounds(name).is_some() => Self::Integer,
            _ if begins(&["a tuple", "tuple "]) => Self::Tuple,
            _ if begins(&["struct "]) => Self::Struct,
            _ if begins(&["enum "]) => Self::Enum,
            _ if begins(&["internally tagged enum ", "adjacently tagged enum "]) => Self::TaggedEnum,
            _ if begins(&["unit"]) => Self::Unit,
            _ => Self::Other,
        }
    }

    /// Reads the standard library's message about a text that it cannot parse. It does not name the type of an integer.
    pub(crate) fn of_parse_error(message: &str) -> Option<Self> {
        match message {
            "invalid digit found in string"
            | "cannot parse integer from empty string"
            | "number too large to fit in target type"
            | "number too small to fit in target type" => Some(Self::Integer),
            "invalid float literal" | "cannot parse float from empty string" => Some(Self::Float),
            "provided string was not `true` or `false`" => Some(Self::Boolean),
            _ => None,
        }
    }
}

/// The name of the type that a message of serde's expects.
pub(crate) fn expectation(message: &str) -> Option<&str> {
    message.rsplit_once(", expected ").map(|(_, name)| name)
}

/// The variants that a message of serde's expects, out of its [`expectation`].
pub(crate) fn variants(expectation: &str) -> Vec<&str> {
    expectation.split('`').skip(1).step_by(2).collect()
}

/// The field that is missing.
pub(crate) fn missing_field(message: &str) -> Option<&str> {
    quoted(message, "missing field `")
}

/// The field that a type does not have.
pub(crate) fn unknown_field(message: &str) -> Option<&str> {
    quoted(message, "unknown field `")
}

/// The field that is there twice.
pub(crate) fn duplicate_field(message: &str) -> Option<&str> {
    quoted(message, "duplicate field `")
}

fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split_once('`').map(|(name, _)| name)
}

/// Whether axum's message about a path is that its type fits no request, in contrast to a message about a value.
pub(crate) fn is_path_mismatch(message: &str) -> bool {
    use Expected::{Map, Struct, Tuple, Unit};
    let is_of_whole = |name: &str| matches!(Expected::of(name), Map | Struct | Tuple | Unit);
    missing_field(message).or(unknown_field(message)).is_some()
        || message == "Unexpected key type"
        || message.starts_with("invalid type: ") && expectation(message).is_some_and(is_of_whole)
}

/// Whether a message, or a panic, of `tracing` is that there is a subscriber already.
pub(crate) fn is_second_subscriber(message: &str) -> bool {
    message.contains("a global default trace dispatcher has already been set")
}

/// A message of `serde_json` without the position at its end.
pub(crate) fn without_position(message: &str) -> &str {
    message.split_once(" at line ").map_or(message, |(message, _)| message)
}
