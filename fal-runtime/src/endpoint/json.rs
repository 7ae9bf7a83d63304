use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::explain;
use crate::{Context, Error};

/// A value out of a body. The error says which part of the body is at fault.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json);
    // What is the same for every type is not compiled again for each.
    finish(parsed.map_err(|error| explain::mistyped(error, body)), json.end(), body)
}

fn finish<T>(parsed: Result<T, Error>, end: serde_json::Result<()>, body: &[u8]) -> Result<T, Error> {
    match (parsed, end) {
        (Ok(value), Ok(())) => Ok(value),
        (Ok(_), Err(error)) => Err(explain::malformed(error, body)),
        (Err(error), _) => Err(error),
    }
}

/// A body out of a value.
pub(super) fn write(value: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(value).map(Bytes::from).context("the result has no JSON form")
}
