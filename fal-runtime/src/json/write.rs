//! Writes values as JSON.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Serializer;

use crate::error::{Context, Error};

/// The result of writing JSON. Only the writing is generic.
pub(crate) struct Written {
    json: Vec<u8>,
    result: serde_json::Result<()>,
}

/// Writes a value.
pub(crate) fn write(value: &impl Serialize) -> Written {
    let mut json = Vec::with_capacity(128);
    let result = value.serialize(&mut Serializer::new(&mut json));
    Written { json, result }
}

impl Written {
    /// The JSON. It is an error if the value cannot be serialized.
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        self.result.context("cannot serialize the answer as JSON")?;
        Ok(self.json.into())
    }
}
