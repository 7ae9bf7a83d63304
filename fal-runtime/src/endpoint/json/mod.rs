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
mod fault;
mod key;
mod reader;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Serializer;

use super::Reply;
use crate::error::Step;
use crate::{Context, Error};
pub(crate) use fault::{Fault, Mistake};
pub(super) use reader::Reader;

/// A mistake in a body.
#[derive(Debug, PartialEq)]
pub(super) struct Located {
    pub(super) mistake: Mistake,
    /// The way to it from the whole body.
    pub(super) path: Vec<Step>,
}

/// JSON out of a value.
pub(super) fn write(value: &impl Serialize) -> Result<Bytes, Error> {
    let mut json = Vec::with_capacity(128);
    let written = value.serialize(&mut Serializer::new(&mut json));
    whole(json, written)
}

/// As [`write`], for a response: what follows the writing is the same for every type, and compiled once.
pub(super) fn reply(value: &impl Serialize) -> Result<Reply, Error> {
    let mut json = Vec::with_capacity(128);
    let written = value.serialize(&mut Serializer::new(&mut json));
    replied(json, written)
}

#[inline(never)]
fn replied(json: Vec<u8>, written: serde_json::Result<()>) -> Result<Reply, Error> {
    whole(json, written).map(Reply::Json)
}

fn whole(json: Vec<u8>, written: serde_json::Result<()>) -> Result<Bytes, Error> {
    written.context("the answer has no JSON form")?;
    Ok(json.into())
}
