//! Extracts the parameters of the query.

use std::cell::Cell;

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use indexmap::IndexMap;
use serde::de::value::MapDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::pairs::{PairsRejection, Text, Wrong};
use crate::json::{DeserializeError, ErrorKind};

/// Parameters of the query, as the fields of a struct, each by its own name.
///
/// A value is text, a number, a boolean, an enum without data, or a list of them: `?tag=a&tag=b` are the two of
/// `tag: Vec<String>`, and `?tag=a` is a list of one. An `Option` or a field with a default may be left out. What is
/// missing, cannot be read, or is given more than once without being a list is answered 422.
///
/// ```
/// use fal_runtime::extract::Query;
/// use fal_runtime::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Search {
///     page: u32,
///     #[serde(default)]
///     tag: Vec<String>,
/// }
///
/// #[derive(Default)]
/// struct Library;
///
/// #[app]
/// impl Library {
///     #[endpoint("/search")]
///     async fn search(&self, Query(search): Query<Search>) -> String {
///         format!("page {} of what is tagged {}", search.page, search.tag.join(" and "))
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = PairsRejection;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, PairsRejection> {
        let pairs = pairs(&request.uri);
        let at = Cell::new(Place::default());
        T::deserialize(Pairs { pairs: &pairs, at: &at })
            .map(Self)
            .map_err(|fault| rejected(&pairs, fault, at.get()))
    }
}

/// The names and texts of a query, in its own order.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    // Any query can be read as this.
    axum::extract::Query::try_from_uri(uri).map(|pairs| pairs.0).unwrap_or_default()
}

/// The texts of a query by their names, each where it is first given.
pub(crate) fn named(pairs: &[(String, String)]) -> IndexMap<&str, Vec<&str>> {
    let mut named: IndexMap<_, Vec<_>> = IndexMap::new();
    for (name, text) in pairs {
        named.entry(name.as_str()).or_default().push(text.as_str());
    }
    named
}

/// What is being read.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    name: &'a str,
    /// Which of its texts, where it is a list.
    index: Option<usize>,
}

#[cold]
fn rejected(pairs: &[(String, String)], fault: DeserializeError, at: Place<'_>) -> PairsRejection {
    let kind = fault.into_kind();
    let (name, index) = match &kind {
        ErrorKind::MissingField(field) => (*field, None),
        ErrorKind::UnknownField(field) => (field.as_str(), None),
        _ => (at.name, at.index),
    };
    let mut texts = pairs.iter().filter(|(known, _)| known == name);
    let input = texts.nth(index.unwrap_or_default()).map_or(Value::Null, |(_, text)| text.as_str().into());
    let name = name.to_owned().into();
    PairsRejection(Box::new(Wrong { part: "query", kind, name, index, input }))
}

/// A whole query.
struct Pairs<'a, 'b> {
    pairs: &'a [(String, String)],
    at: &'b Cell<Place<'a>>,
}

impl<'de> Deserializer<'de> for Pairs<'de, '_> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_map(Fields { rest: named(self.pairs).into_iter(), texts: Vec::new(), at: self.at })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_seq(MapDeserializer::new(
            self.pairs.iter().map(|(name, text)| (name.as_str(), Text(text))),
        ))
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
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'a, 'b> {
    rest: indexmap::map::IntoIter<&'a str, Vec<&'a str>>,
    texts: Vec<&'a str>,
    at: &'b Cell<Place<'a>>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = DeserializeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DeserializeError> {
        let Some((name, texts)) = self.rest.next() else {
            // What is wrong from here on is no single field's.
            self.at.set(Place::default());
            return Ok(None);
        };
        self.texts = texts;
        self.at.set(Place { name, index: None });
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeserializeError> {
        seed.deserialize(Texts { texts: &self.texts, at: self.at })
    }
}

/// Every text of one name: a list, or the only one.
struct Texts<'a, 'b> {
    texts: &'b [&'a str],
    at: &'b Cell<Place<'a>>,
}

impl<'a> Texts<'a, '_> {
    fn only(&self) -> Result<Text<'a>, DeserializeError> {
        match self.texts {
            [text] => Ok(Text(text)),
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

impl<'de> Deserializer<'de> for Texts<'de, '_> {
    type Error = DeserializeError;

    of_only! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
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
        visitor.visit_seq(Items { rest: self.texts.iter().enumerate(), at: self.at })
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

struct Items<'a, 'b> {
    rest: std::iter::Enumerate<std::slice::Iter<'b, &'a str>>,
    at: &'b Cell<Place<'a>>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = DeserializeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeserializeError> {
        let next = self.rest.next();
        self.at.set(Place { index: next.map(|(index, _)| index), ..self.at.get() });
        next.map(|(_, text)| seed.deserialize(Text(text))).transpose()
    }
}
