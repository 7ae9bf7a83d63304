//! A number of JSON, in the kinds that serde has.

use serde::de::Visitor;

use super::error::{DeserializeError, Result};

/// A number, as serde takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    /// An integer that has no 64 bits, rounded. Infinite for a number beyond all floats, which is JSON only with the feature
    /// `arbitrary_precision` of `serde_json`.
    Rounded(f64),
}

/// 2^63 and 2^64: every float below is an integer of 64 bits, if it is whole.
const SIGNED_END: f64 = 9_223_372_036_854_775_808.0;
const UNSIGNED_END: f64 = 18_446_744_073_709_551_616.0;

impl Number {
    /// Reads the token of a number.
    pub(super) fn parse(token: &str) -> Result<Self> {
        let plain: Option<u64> = match token.as_bytes() {
            [b'0' | b'+', _, ..] => None,
            // An integer, although `serde_json` has only the float.
            b"-0" => Some(0),
            _ => token.parse().ok(),
        };
        if let Some(number) = plain {
            return Ok(Self::Unsigned(number));
        }
        let number: serde_json::Number =
            serde_json::from_str(token).map_err(|_| DeserializeError::syntax())?;
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => Ok(Self::Unsigned(number)),
            (_, Some(number), _) => Ok(Self::Signed(number)),
            (.., Some(number)) if token.contains(['.', 'e', 'E']) => Ok(Self::Float(number)),
            (.., number) => Ok(Self::Rounded(number.unwrap_or(f64::INFINITY))),
        }
    }

    /// Converts `1.0` and `1e17` to an integer, as JSON Schema defines it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and within the bounds"
    )]
    pub(super) fn whole(self) -> Self {
        match self {
            Self::Float(number) if number.fract() != 0.0 => self,
            Self::Float(number) if (0.0..UNSIGNED_END).contains(&number) => Self::Unsigned(number as u64),
            Self::Float(number) if (-SIGNED_END..0.0).contains(&number) => Self::Signed(number as i64),
            other => other,
        }
    }

    pub(crate) fn visit<'de, V: Visitor<'de>, E: serde::de::Error>(self, visitor: V) -> Result<V::Value, E> {
        match self {
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Signed(number) => visitor.visit_i64(number),
            Self::Float(number) | Self::Rounded(number) => visitor.visit_f64(number),
        }
    }
}
