//! Reads and writes JSON. Generic code, which is compiled for each type, is kept small.
//!
//! It has its own deserializer, for three things that `serde_json` does not offer, or only at a cost for each type:
//!
//! - errors have a kind and a location, not only a message,
//! - it accepts exactly what the schema in the OpenAPI document says: `1.0` is an integer, and a list is no struct,
//! - functions that do not depend on the type are not generic.
//!
//! `serde_json` still parses numbers with more than digits, and strings with escapes.

mod access;
mod deserializer;
mod error;
mod exact_number;
pub(crate) mod integer_bounds;
mod key;
mod number;
mod object;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use error::{DeserializeError, ErrorKind, LocatedError};
pub(crate) use exact_number::KEEPS_DIGITS;
pub(crate) use number::Number;
pub(crate) use object::{add, add_texts, object, parse_static};
pub(crate) use reader::Reader;
pub(crate) use schema::SchemaOf;
pub(crate) use write::{Written, write};
