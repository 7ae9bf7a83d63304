//! Writes values as JSON.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Serializer;

use crate::error::{Context, Error};

/// JSON that has been written, if it has. Writing knows the type; what follows is compiled once.
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
    /// The JSON; an error where the value has no JSON form.
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        self.result.context("the answer has no JSON form")?;
        Ok(self.json.into())
    }
}
