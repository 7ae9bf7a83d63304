//! Deserializes values from the named texts of a request's head: its query, its headers, its cookies.

use std::borrow::Cow;
use std::cell::Cell;

use indexmap::IndexMap;
use serde::de::value::MapDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::parameter_types::{FieldType, PartTypes};
use super::rejection::{ParameterError, ParameterRejection};
use super::text::ParameterText;
use crate::json::{DeserializeError, ErrorKind};

/// A part of a request's head that has texts by names.
pub(super) struct Part<'a> {
    /// What error locations call it.
    pub(super) name: &'static str,
    /// How it spells the name of a field.
    pub(super) spell: fn(&str) -> Cow<'_, str>,
    pub(super) texts: Texts<'a>,
    /// The types of its parameters, if they are known.
    pub(super) types: Option<&'a PartTypes>,
}

/// The texts of a part.
pub(super) enum Texts<'a> {
    /// Every parameter of a query, in its order. A name that is given twice is a list.
    All(&'a [(String, String)]),
    /// The texts that a struct's field asks for by its name. A field that is not a list takes the first one.
    ByField(&'a dyn Fn(&str) -> Vec<&'a [u8]>),
}

type ByName<'a> = IndexMap<&'a str, Vec<&'a [u8]>>;

/// Groups the texts of a query by their names, each where it is first given.
pub(crate) fn group_by_name(pairs: &[(String, String)]) -> ByName<'_> {
    let mut named = ByName::new();
    for (name, text) in pairs {
        named.entry(name).or_default().push(text.as_bytes());
    }
    named
}

impl<'a> Part<'a> {
    /// Deserializes a value from it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ParameterRejection> {
        self.read_with(|position| T::deserialize(PartDeserializer { part: self, position }))
    }

    /// Reads a value from it in another way, which keeps the position.
    pub(super) fn read_with<T>(
        &self,
        read: impl FnOnce(&Cell<Position<'a>>) -> Result<T, DeserializeError>,
    ) -> Result<T, ParameterRejection> {
        let position = Cell::new(Position::default());
        read(&position).map_err(|error| self.rejection(error, position.get()))
    }

    #[cold]
    fn rejection(&self, error: DeserializeError, position: Position<'_>) -> ParameterRejection {
        let kind = error.into_kind();
        let (name, index) = match &kind {
            ErrorKind::MissingField(field) => (*field, None),
            ErrorKind::UnknownField(field) => (field.as_str(), None),
            _ => (position.name, position.index),
        };
        let texts = match self.texts {
            Texts::All(pairs) => group_by_name(pairs).swap_remove(name).unwrap_or_default(),
            Texts::ByField(find) => find(name),
        };
        let text = texts.get(index.unwrap_or_default());
        let input = text.map_or(Value::Null, |text| String::from_utf8_lossy(text).into());
        let name = (self.spell)(name).into_owned().into();
        ParameterRejection(Box::new(ParameterError { part: self.name, kind, name, index, input }))
    }

    /// The texts of a struct with these fields, or of any other type.
    fn by_name(&self, fields: Option<&'static [&'static str]>) -> Result<ByName<'a>, DeserializeError> {
        match (&self.texts, fields) {
            (Texts::All(pairs), _) => Ok(group_by_name(pairs)),
            (Texts::ByField(find), Some(fields)) => {
                let texts = fields.iter().map(|field| (*field, find(field)));
                Ok(texts.filter(|(_, texts)| !texts.is_empty()).collect())
            }
            // The names of a struct with flattened fields.
            (Texts::ByField(find), None) => {
                let named = self.types.map(|types| &types.named).ok_or_else(only_structs)?;
                let texts = named.keys().map(|field| (field.as_str(), find(field)));
                Ok(texts.filter(|(_, texts)| !texts.is_empty()).collect())
            }
        }
    }
}

fn only_structs() -> DeserializeError {
    DeserializeError::custom("only a struct with named fields can be read from here")
}

/// The text that is being read.
#[derive(Clone, Copy, Default)]
pub(super) struct Position<'a> {
    /// Empty where it is no single field's.
    pub(super) name: &'a str,
    /// Which of its texts, where it is a list.
    pub(super) index: Option<usize>,
}

pub(super) struct PartDeserializer<'a, 'b> {
    pub(super) part: &'b Part<'a>,
    pub(super) position: &'b Cell<Position<'a>>,
}

impl<'a, 'b> PartDeserializer<'a, 'b> {
    fn fields(&self, fields: Option<&'static [&'static str]>) -> Result<Fields<'a, 'b>, DeserializeError> {
        let is_first_taken = matches!(self.part.texts, Texts::ByField(_));
        let rest = self.part.by_name(fields)?.into_iter();
        let types = self.part.types;
        Ok(Fields { rest, current: (Vec::new(), None), types, is_first_taken, position: self.position })
    }
}

impl<'de> Deserializer<'de> for PartDeserializer<'de, '_> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_map(self.fields(None)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_map(self.fields(Some(fields))?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        let Texts::All(pairs) = self.part.texts else { return Err(only_structs()) };
        visitor.visit_seq(MapDeserializer::new(
            pairs.iter().map(|(name, text)| (name.as_str(), ParameterText::new(text))),
        ))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_newtype_struct(self)
    }

    /// A query without parameters is none.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.part.texts {
            Texts::All([]) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields that have texts.
struct Fields<'a, 'b> {
    rest: indexmap::map::IntoIter<&'a str, Vec<&'a [u8]>>,
    /// The texts of the current field, and its type if it is known.
    current: (Vec<&'a [u8]>, Option<&'a FieldType>),
    types: Option<&'a PartTypes>,
    is_first_taken: bool,
    position: &'b Cell<Position<'a>>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = DeserializeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DeserializeError> {
        let Some((name, texts)) = self.rest.next() else {
            // An error from here on is no single field's.
            self.position.set(Position::default());
            return Ok(None);
        };
        self.current = (texts, self.types.and_then(|types| types.get(name)));
        self.position.set(Position { name, index: None });
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeserializeError> {
        seed.deserialize(FieldTexts {
            texts: &self.current.0,
            field: self.current.1,
            is_first_taken: self.is_first_taken,
            position: self.position,
        })
    }
}

/// Every text of one name: a list, or one value.
struct FieldTexts<'a, 'b> {
    texts: &'b [&'a [u8]],
    /// Its type, if it is known.
    field: Option<&'a FieldType>,
    /// Whether a field that is not a list takes the first of several texts.
    is_first_taken: bool,
    position: &'b Cell<Position<'a>>,
}

impl<'a> FieldTexts<'a, '_> {
    fn only(&self) -> Result<ParameterText<'a>, DeserializeError> {
        match self.texts {
            [text] => ParameterText::of_field(text, self.field),
            [text, ..] if self.is_first_taken => ParameterText::of_field(text, self.field),
            _ => Err(ErrorKind::Custom("it is given more than once".into()).into()),
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

impl<'de> Deserializer<'de> for FieldTexts<'de, '_> {
    type Error = DeserializeError;

    /// Reads it by its declared type: serde buffers it, or the field takes several types.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.field {
            Some(field) if field.is_list => self.deserialize_seq(visitor),
            _ => self.only()?.deserialize_any(visitor),
        }
    }

    of_only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
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

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        let Self { texts, field, position, .. } = self;
        visitor.visit_seq(FieldItems { rest: texts.iter().enumerate(), field, position })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeserializeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char str string bytes byte_buf unit unit_struct map struct identifier }
}

/// The texts of a list.
struct FieldItems<'a, 'b> {
    rest: std::iter::Enumerate<std::slice::Iter<'b, &'a [u8]>>,
    field: Option<&'a FieldType>,
    position: &'b Cell<Position<'a>>,
}

impl<'de> SeqAccess<'de> for FieldItems<'de, '_> {
    type Error = DeserializeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeserializeError> {
        let next = self.rest.next();
        let index = next.map(|(index, _)| index);
        self.position.set(Position { index, ..self.position.get() });
        next.map(|(_, text)| seed.deserialize(ParameterText::of_field(text, self.field)?)).transpose()
    }
}
