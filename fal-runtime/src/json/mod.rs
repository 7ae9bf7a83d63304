//! JSON in and out. What is compiled once for each type is kept small; what is the same for every type is not among it.
//!
//! Values are read by a deserializer of our own, since three things are wanted that `serde_json` does not give, or only
//! at a price for each type that is read:
//!
//! - a mistake is known for what it is and for where it is, and not by a sentence,
//! - what is taken is what the schema in the OpenAPI document says: `1.0` is an integer, and a list is no struct,
//! - whatever does not depend on the type is no generic function.
//!
//! Words are left to `serde_json` where they are not plain: numbers that are more than digits, strings with escapes.

mod access;
mod deserializer;
mod error;
pub(crate) mod integer_bounds;
mod key;
mod object;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use error::{DeserializeError, ErrorKind, LocatedError};
pub(crate) use object::{add, add_texts, object, parse_static};
pub(crate) use reader::Reader;
pub(crate) use schema::SchemaOf;
pub(crate) use write::{Written, write};
