//! Deserializes values from the parameters of a path: one by itself, a tuple in their order, or a struct by their names.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::deserializer::{PartDeserializer, Position};
use super::text::ParameterText;
use crate::json::{DeserializeError, ErrorKind};

/// The parameters of a path.
pub(super) struct PathDeserializer<'a, 'b> {
    pub(super) pairs: &'a [(String, String)],
    /// Reads them by name.
    pub(super) by_name: PartDeserializer<'a, 'b>,
}

impl<'a> PathDeserializer<'a, '_> {
    /// The only parameter.
    fn only(&self) -> Result<ParameterText<'a>, DeserializeError> {
        match self.pairs {
            [(name, text)] => {
                self.by_name.position.set(Position { name, index: None });
                Ok(ParameterText::new(text))
            }
            // Which is an error at start, if the type has a schema.
            _ => Err(ErrorKind::WrongType("one value".to_owned()).into()),
        }
    }
}

macro_rules! of_only {
    ($($deserialize:ident)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
            self.only()?.$deserialize(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for PathDeserializer<'de, '_> {
    type Error = DeserializeError;

    of_only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier deserialize_option
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.pairs {
            [_] => self.only()?.deserialize_any(visitor),
            _ => self.by_name.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        self.by_name.deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.by_name.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_seq(PathItems { rest: self.pairs.iter(), by_name: self.by_name })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        if len == self.pairs.len() {
            return self.deserialize_seq(visitor);
        }
        Err(ErrorKind::WrongType(format!("a tuple of {len}")).into())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_tuple(len, visitor)
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
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { ignored_any }
}

/// The parameters in their order.
struct PathItems<'a, 'b> {
    rest: std::slice::Iter<'a, (String, String)>,
    by_name: PartDeserializer<'a, 'b>,
}

impl<'de> SeqAccess<'de> for PathItems<'de, '_> {
    type Error = DeserializeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeserializeError> {
        let next = self.rest.next();
        self.by_name.position.set(Position { name: next.map_or("", |(name, _)| name), index: None });
        next.map(|(_, text)| seed.deserialize(ParameterText::new(text))).transpose()
    }
}
