//! Structs out of named texts.

use std::borrow::Cow;
use std::cell::Cell;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::json::{DeserializeError, ErrorKind};

/// What [`Query`](super::Query), [`Headers`](super::Headers) or [`Cookies`](super::Cookies) found wrong with a request. An endpoint's client
/// reads it as the list of mistakes that a bad body has, too.
#[derive(Debug)]
pub struct PairsRejection(pub(crate) Box<Wrong>);

/// What is wrong with a part of a request's head.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The part.
    pub(crate) part: &'static str,
    pub(crate) kind: ErrorKind,
    /// Where it is, as the part calls it; empty where it is no single field's.
    pub(crate) name: Cow<'static, str>,
    /// Which of several texts of that name it is, where the field is a list.
    pub(crate) index: Option<usize>,
    /// The text that cannot be read; null where there is none.
    pub(crate) input: Value,
}

impl IntoResponse for PairsRejection {
    fn into_response(self) -> Response {
        let Wrong { part, kind, .. } = *self.0;
        (StatusCode::UNPROCESSABLE_ENTITY, format!("{part}: {kind}")).into_response()
    }
}

/// Finds the text of a name.
type Find<'a> = &'a dyn Fn(&str) -> Option<&'a [u8]>;

/// A part of a request that has texts by names.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// What it is called where a mistake is told.
    pub(super) name: &'static str,
    /// How it writes the name of a field.
    pub(super) spell: fn(&'static str) -> Cow<'static, str>,
    pub(super) find: Find<'a>,
}

/// Reads a struct whose fields are found one by one in this part of a request.
pub(super) fn read<T: DeserializeOwned>(part: Part<'_>) -> Result<T, PairsRejection> {
    let at = Cell::new("");
    T::deserialize(Pairs { part, at: &at }).map_err(|fault| rejected(part, fault, at.get()))
}

fn rejected(part: Part<'_>, fault: DeserializeError, at: &'static str) -> PairsRejection {
    let kind = fault.into_kind();
    let field = match kind {
        ErrorKind::MissingField(field) => field,
        _ => at,
    };
    let name = (part.spell)(field);
    let input = (part.find)(&name).map_or(Value::Null, |text| String::from_utf8_lossy(text).into());
    PairsRejection(Box::new(Wrong { part: part.name, kind, name, index: None, input }))
}

struct Pairs<'a, 'b> {
    part: Part<'a>,
    /// The field that is being read.
    at: &'b Cell<&'static str>,
}

impl<'de> Deserializer<'de> for Pairs<'de, '_> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DeserializeError> {
        Err(DeserializeError::custom("only a struct with named fields can be read from here"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_map(Fields { part: self.part, at: self.at, names: fields.iter(), text: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields that are there.
struct Fields<'a, 'b> {
    part: Part<'a>,
    at: &'b Cell<&'static str>,
    names: std::slice::Iter<'static, &'static str>,
    text: Option<&'a [u8]>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = DeserializeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DeserializeError> {
        for field in self.names.by_ref() {
            self.text = (self.part.find)(&(self.part.spell)(field));
            if self.text.is_some() {
                self.at.set(field);
                return seed.deserialize((*field).into_deserializer()).map(Some);
            }
        }
        // What is wrong from here on is no single field's.
        self.at.set("");
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeserializeError> {
        let text = str::from_utf8(self.text.take().unwrap_or_default()).map_err(DeserializeError::custom)?;
        seed.deserialize(Text(text))
    }
}

/// A text, to be read as what its field is.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl<'de> IntoDeserializer<'de, DeserializeError> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($deserialize:ident => $visit:ident: $type:ident,)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(ErrorKind::WrongType(stringify!($type).to_owned()).into()),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_borrowed_str(self.0)
    }

    parsed! {
        deserialize_bool => visit_bool: bool,
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
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
