//! Deserializes one text as the type of its field.

use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::parameter_types::{FieldType, ScalarType};
use crate::json::{DeserializeError, ErrorKind, Number, integer_bounds};

/// One text, deserialized as the type of its field.
#[derive(Clone, Copy)]
pub(super) struct ParameterText<'a> {
    text: &'a str,
    /// What it may be where serde does not ask for a type.
    scalars: &'a [ScalarType],
}

impl<'a> ParameterText<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, scalars: &[] }
    }

    /// The text of a field with this type, if the type is known.
    pub(super) fn of_field(text: &'a [u8], field: Option<&'a FieldType>) -> Result<Self, DeserializeError> {
        let text = str::from_utf8(text).map_err(|_| ErrorKind::NotUnicode)?;
        Ok(Self { text, scalars: field.map(|field| field.scalars.as_slice()).unwrap_or_default() })
    }

    /// Reads a boolean as FastAPI does.
    fn boolean(self) -> Option<bool> {
        let is_one_of = |words: &[&str]| words.iter().any(|word| self.text.eq_ignore_ascii_case(word));
        if is_one_of(&["true", "1", "on", "t", "y", "yes"]) {
            Some(true)
        } else if is_one_of(&["false", "0", "off", "f", "n", "no"]) {
            Some(false)
        } else {
            None
        }
    }

    /// The number that it stands for as this type, for a visitor of any type.
    fn number(self, scalar: ScalarType) -> Option<Number> {
        match scalar {
            ScalarType::Integer(name) => {
                let integer: i128 = self.text.parse().ok()?;
                let (least, most) = integer_bounds::bounds(name)?;
                if integer < least.into() || integer > most.into() {
                    return None;
                }
                u64::try_from(integer)
                    .map(Number::Unsigned)
                    .or_else(|_| integer.try_into().map(Number::Signed))
                    .ok()
            }
            ScalarType::Number => self.text.parse().ok().map(Number::Float),
            ScalarType::Boolean | ScalarType::Text => None,
        }
    }
}

impl<'de> IntoDeserializer<'de, DeserializeError> for ParameterText<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($deserialize:ident => $visit:ident: $type:ident,)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
            match self.text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(ErrorKind::WrongType(stringify!($type).to_owned()).into()),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for ParameterText<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        for scalar in self.scalars {
            match (scalar, self.number(*scalar), self.boolean()) {
                (_, Some(number), _) => return number.visit(visitor),
                (ScalarType::Boolean, _, Some(boolean)) => return visitor.visit_bool(boolean),
                (ScalarType::Text, ..) => return visitor.visit_borrowed_str(self.text),
                _ => {}
            }
        }
        match self.scalars.first() {
            Some(scalar) => Err(ErrorKind::WrongType(scalar.name().to_owned()).into()),
            None => visitor.visit_borrowed_str(self.text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.boolean() {
            Some(boolean) => visitor.visit_bool(boolean),
            None => Err(ErrorKind::WrongType("bool".to_owned()).into()),
        }
    }

    parsed! {
        deserialize_i8 => visit_i8: i8,
        deserialize_i16 => visit_i16: i16,
        deserialize_i32 => visit_i32: i32,
        deserialize_i64 => visit_i64: i64,
        deserialize_i128 => visit_i128: i128,
        deserialize_u8 => visit_u8: u8,
        deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32,
        deserialize_u64 => visit_u64: u64,
        deserialize_u128 => visit_u128: u128,
        deserialize_f32 => visit_f32: f32,
        deserialize_f64 => visit_f64: f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_enum(self.text.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
