//! serde's `Deserializer` for the reader.

use serde::Deserializer;
use serde::de::Visitor;

use super::access::{ListItems, ObjectMembers, TaggedVariant};
use super::error::{DeserializeError, Result};
use super::key::Key;
use super::reader::{Number, Reader};

/// The largest integer up to which a float holds every integer exactly.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

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
            Number::Float(_) => Err(DeserializeError::wrong_type(&visitor)),
        }
    }

    #[inline(never)]
    fn float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let number = self.number(&visitor)?;
        number.visit(visitor)
    }

    /// Reads a number for a visitor that accepts any type. Serde's derive buffers tagged enums this way, and
    /// integers must stay integers there.
    fn number_of_any_type<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let number = self.number(&visitor)?;
        number.whole().visit(visitor)
    }
}

impl Number {
    /// Converts `1.0` to an integer, as JSON Schema defines it.
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    fn whole(self) -> Self {
        match self {
            Self::Float(number) if number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER => {
                let number = number as i64;
                u64::try_from(number).map_or(Self::Signed(number), Self::Unsigned)
            }
            other => other,
        }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Signed(number) => visitor.visit_i64(number),
            Self::Float(number) => visitor.visit_f64(number),
        }
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

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline(never)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.enter(b'[', &visitor)?;
        let depth = self.depth();
        let value = visitor.visit_seq(ListItems::new(self))?;
        self.unwind(depth)?;
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
        let depth = self.depth();
        let value = visitor.visit_enum(TaggedVariant::new(self))?;
        self.unwind(depth)?;
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
        deserialize_i128() => whole;
        deserialize_u128() => whole;
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
