//! The contents of lists, objects and enum variants.

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::error::{DeserializeError, Result};
use super::key::Key;
use super::reader::Reader;

/// The contents of a list or object, between its brackets.
struct Contents<'a, 'de> {
    reader: &'a mut Reader<'de>,
    level: usize,
    depth: u8,
    count: usize,
}

impl<'a, 'de> Contents<'a, 'de> {
    fn new(reader: &'a mut Reader<'de>) -> Self {
        let (level, depth) = (reader.path_len(), reader.depth());
        Self { reader, level, depth, count: 0 }
    }

    /// Moves to the next item. There is none if the closing bracket is next.
    fn has_next(&mut self, bracket: u8) -> Result<bool> {
        self.reader.unwind(self.depth)?;
        if self.reader.peek()? == bracket {
            self.reader.truncate_path(self.level);
            return Ok(false);
        }
        if self.count > 0 {
            self.reader.expect(b',')?;
        }
        self.count += 1;
        Ok(true)
    }

    /// Moves to the next key. Consumes the closing bracket at the end, so that no generic code has to.
    fn next_key(&mut self) -> Result<Option<&str>> {
        if self.reader.depth() < self.depth {
            // The end has been consumed already.
            return Ok(None);
        }
        if !self.has_next(b'}')? {
            self.reader.leave(b'}')?;
            return Ok(None);
        }
        let key = self.reader.string(&"a key")?;
        self.reader.expect(b':')?;
        Ok(Some(self.reader.push_key(self.level, key)))
    }

    fn next_item(&mut self) -> Result<bool> {
        let index = self.count;
        let has_next = self.has_next(b']')?;
        if has_next {
            self.reader.push_index(self.level, index);
        }
        Ok(has_next)
    }
}

/// The items of a list.
pub(super) struct ListItems<'a, 'de>(Contents<'a, 'de>);

impl<'a, 'de> ListItems<'a, 'de> {
    pub(super) fn new(reader: &'a mut Reader<'de>) -> Self {
        Self(Contents::new(reader))
    }
}

impl<'de> SeqAccess<'de> for ListItems<'_, 'de> {
    type Error = DeserializeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.0.next_item()? { seed.deserialize(&mut *self.0.reader).map(Some) } else { Ok(None) }
    }
}

/// The members of an object.
pub(super) struct ObjectMembers<'a, 'de>(Contents<'a, 'de>);

impl<'a, 'de> ObjectMembers<'a, 'de> {
    pub(super) fn new(reader: &'a mut Reader<'de>) -> Self {
        Self(Contents::new(reader))
    }
}

impl<'de> MapAccess<'de> for ObjectMembers<'_, 'de> {
    type Error = DeserializeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        match self.0.next_key()? {
            Some(key) => seed.deserialize(Key(key)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.0.reader)
    }
}

/// A variant with its content: the only member of an object.
pub(super) struct TaggedVariant<'a, 'de>(Contents<'a, 'de>);

impl<'a, 'de> TaggedVariant<'a, 'de> {
    pub(super) fn new(reader: &'a mut Reader<'de>) -> Self {
        Self(Contents::new(reader))
    }
}

impl<'de> EnumAccess<'de> for TaggedVariant<'_, 'de> {
    type Error = DeserializeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Self)> {
        match self.0.next_key()? {
            Some(name) => Ok((seed.deserialize(Key(name))?, self)),
            None => Err(DeserializeError::wrong_type(&"a variant")),
        }
    }
}

impl<'de> VariantAccess<'de> for TaggedVariant<'_, 'de> {
    type Error = DeserializeError;

    fn unit_variant(self) -> Result<()> {
        self.0.reader.null(&"null")
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.0.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.0.reader.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.0.reader.deserialize_map(visitor)
    }
}
