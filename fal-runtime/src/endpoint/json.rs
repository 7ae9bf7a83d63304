//! JSON in and out. What is compiled once for each type is kept small; what is the same for every type is not among it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::de::SliceRead;

use super::{Reply, explain};
use crate::{Context, Error};

/// A value out of a body. The error says which part of the body is at fault.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => match trailing(json, body) {
            None => Ok(value),
            Some(error) => Err(error),
        },
        Err(error) => Err(explain::mistyped(error, body)),
    }
}

/// What is wrong with the rest of a body whose value has been read.
fn trailing(mut json: serde_json::Deserializer<SliceRead<'_>>, body: &[u8]) -> Option<Error> {
    json.end().err().map(|error| explain::malformed(error, body))
}

/// The body of a response out of a value.
pub(super) fn write(value: &impl Serialize) -> Result<Reply, Error> {
    reply(serde_json::to_vec(value))
}

fn reply(written: serde_json::Result<Vec<u8>>) -> Result<Reply, Error> {
    let body = written.context("the answer has no JSON form")?;
    Ok(Reply(body.into()))
}
