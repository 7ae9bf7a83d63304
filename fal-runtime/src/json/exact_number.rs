//! Numbers with all their digits, for apps whose `serde_json` has the feature `arbitrary_precision`.

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{Expected, Visitor};

use super::error::{DeserializeError, Result};
use super::number::Number;

/// Whether `serde_json` has the feature `arbitrary_precision`: its numbers are texts then, and otherwise plain.
pub(crate) const KEEPS_DIGITS: bool = std::mem::needs_drop::<serde_json::Number>();

/// The key by which the types of this feature know the text of a number.
const NUMBER: &str = "$serde_json::private::Number";

/// What serde's buffers of untagged, tagged and flattened types expect.
const BUFFERED: &str = "any value";

/// Whether a visitor that accepts any type gets a number as its text.
///
/// Such a visitor gets integers of 64 bits as integers and all others as texts, as from `serde_json`. A buffer only gets the
/// texts of the numbers that a float would round: a float of a buffered type could not be read from a text.
pub(super) fn is_text(token: &str, number: Number, visitor: &dyn Expected) -> bool {
    if visitor.to_string() == BUFFERED {
        return !is_exact(token, number);
    }
    token == "-0" || matches!(number, Number::Float(_) | Number::Rounded(_))
}

/// Passes the text of a number to a visitor, in the form of `serde_json`.
pub(super) fn visit<'de, V: Visitor<'de>>(token: &str, visitor: V) -> Result<V::Value> {
    let number: serde_json::Number = serde_json::from_str(token).map_err(|_| DeserializeError::syntax())?;
    // Some types of decimals only take a key that is borrowed.
    let key = BorrowedStrDeserializer::new(NUMBER);
    visitor.visit_map(MapDeserializer::new(std::iter::once((key, number.to_string()))))
}

/// Whether the number has all digits of its token.
fn is_exact(token: &str, number: Number) -> bool {
    match number {
        Number::Unsigned(_) | Number::Signed(_) => true,
        Number::Float(float) | Number::Rounded(float) => digits(token).eq(digits(&format!("{float:e}"))),
    }
}

/// The digits of a number, without the zeros around them.
fn digits(token: &str) -> impl Iterator<Item = char> {
    let mantissa = token.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.trim_matches(|character| matches!(character, '-' | '0' | '.'));
    digits.chars().filter(|character| *character != '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_exact_if_its_float_has_the_same_digits() {
        for exact in
            ["1.5", "1.50", "-0.10e3", "100", "1e300", "0.0", "0.30000000000000004", "18446744073709551615"]
        {
            assert!(is_exact(exact, Number::parse(exact).unwrap()), "{exact}");
        }
        for rounded in ["0.1234567890123456789", "18446744073709551617", "1e-400", "3.0000000000000000001"] {
            assert!(!is_exact(rounded, Number::parse(rounded).unwrap()), "{rounded}");
        }
    }
}
