//! serde's `Deserializer` for the reader.

use serde::Deserializer;
use serde::de::Visitor;
use serde::de::value::MapDeserializer;

use super::access::{ListItems, ObjectMembers, TaggedVariant};
use super::error::{DeserializeError, Result};
use super::exact_number::{self, KEEPS_DIGITS};
use super::key::Key;
use super::number::Number;
use super::reader::Reader;

/// The name by which `serde_json::value::RawValue` asks for the text of a value.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Forwards methods to others.
macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*) => $other:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value> {
            self.$other(visitor)
        })*
    };
}

// Not inlined: otherwise every struct with such a field would contain them.
impl<'de> Reader<'de> {
    #[inline(never)]
    fn whole<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.number(&visitor)?.whole() {
            Number::Unsigned(number) => visitor.visit_u64(number),
            Number::Signed(number) => visitor.visit_i64(number),
            Number::Float(_) | Number::Rounded(_) => Err(DeserializeError::wrong_type(&visitor)),
        }
    }

    /// An integer of 128 bits. Serde's types of fewer bits take none, and most are small.
    #[inline(never)]
    fn wide<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let token = self.number_token(&visitor)?;
        let number = Number::parse(token)?;
        match (number.whole(), token.parse(), token.parse()) {
            (Number::Rounded(_), Ok(unsigned), _) => visitor.visit_u128(unsigned),
            (Number::Rounded(_), _, Ok(signed)) => visitor.visit_i128(signed),
            (Number::Float(_) | Number::Rounded(_), ..) => Err(DeserializeError::wrong_type(&visitor)),
            (number, ..) => number.visit(visitor),
        }
    }

    #[inline(never)]
    fn float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.number(&visitor)? {
            Number::Rounded(number) if number.is_infinite() => Err(DeserializeError::wrong_type(&visitor)),
            number => number.visit(visitor),
        }
    }

    /// Reads a number for a visitor that accepts any type. Serde's derive buffers tagged enums this way, and
    /// integers must stay integers there.
    fn number_of_any_type<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let token = self.number_token(&visitor)?;
        let number = Number::parse(token)?;
        if KEEPS_DIGITS && exact_number::is_text(token, number, &visitor) {
            return exact_number::visit(token, visitor);
        }
        number.whole().visit(visitor)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek()? {
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'"' => self.deserialize_str(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.number_of_any_type(visitor),
        }
    }

    #[inline(never)]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let boolean = self.boolean(&visitor)?;
        visitor.visit_bool(boolean)
    }

    #[inline(never)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let string = self.string(&visitor)?;
        visitor.visit_str(&string)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.null(&visitor)?;
        visitor.visit_unit()
    }

    #[inline(never)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? == b'n' {
            self.null(&visitor)?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name == RAW_VALUE {
            let raw = std::iter::once((RAW_VALUE, self.raw()?));
            return visitor.visit_map(MapDeserializer::new(raw));
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline(never)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.enter(b'[', &visitor)?;
        let (depth, level) = (self.depth(), self.path_len());
        let value = visitor.visit_seq(ListItems::new(self))?;
        self.unwind(depth)?;
        self.truncate_path(level);
        self.leave(b']')?;
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.enter(b'{', &visitor)?;
        visitor.visit_map(ObjectMembers::new(self))
    }

    // serde's derive would accept a list for a struct; the schema does not. The expected type is named without the
    // struct's name, so that this is compiled once.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.enter(b'{', &"a struct")?;
        visitor.visit_map(ObjectMembers::new(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.peek()? == b'"' {
            return Key(&self.string(&visitor)?).deserialize_enum("", &[], visitor);
        }
        self.enter(b'{', &visitor)?;
        let (depth, level) = (self.depth(), self.path_len());
        let value = visitor.visit_enum(TaggedVariant::new(self))?;
        self.unwind(depth)?;
        self.truncate_path(level);
        self.leave(b'}')?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward! {
        deserialize_i8() => whole;
        deserialize_i16() => whole;
        deserialize_i32() => whole;
        deserialize_i64() => whole;
        deserialize_u8() => whole;
        deserialize_u16() => whole;
        deserialize_u32() => whole;
        deserialize_u64() => whole;
        deserialize_i128() => wide;
        deserialize_u128() => wide;
        deserialize_f32() => float;
        deserialize_f64() => float;
        deserialize_char() => deserialize_str;
        deserialize_string() => deserialize_str;
        deserialize_identifier() => deserialize_str;
        deserialize_byte_buf() => deserialize_bytes;
        deserialize_unit_struct(_name: &'static str) => deserialize_unit;
        deserialize_tuple(_length: usize) => deserialize_seq;
        deserialize_tuple_struct(_name: &'static str, _length: usize) => deserialize_seq;
    }

    /// Reads a list of numbers or a text.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? != b'"' {
            return self.deserialize_seq(visitor);
        }
        let string = self.string(&visitor)?;
        visitor.visit_bytes(string.as_bytes())
    }
}
