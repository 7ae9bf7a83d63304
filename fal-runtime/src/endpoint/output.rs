use bytes::Bytes;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::json;
use super::row::SchemaOf;
use crate::Error;

/// What an endpoint may return: a value that becomes the JSON body, or a `Result` of one.
///
/// `M` only keeps the two apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of an endpoint",
    label = "neither a value with a JSON form nor a `Result` of one",
    note = "a value has both derives: `#[derive(Serialize, JsonSchema)]`",
    note = "the error of a `Result` is `fal_runtime::Error`, or becomes one by `Into`"
)]
pub trait Output<M> {
    /// The schema of the body.
    const SCHEMA: SchemaOf;

    /// Makes it the body.
    fn reply(self) -> Result<Reply, Error>;
}

/// The body of a response, as JSON.
#[derive(Debug)]
pub struct Reply(pub(super) Bytes);

/// Marks a value.
#[derive(Debug)]
pub enum Plain {}

/// Marks a `Result`.
#[derive(Debug)]
pub enum Fallible {}

impl<T: Serialize + JsonSchema> Output<Plain> for T {
    const SCHEMA: SchemaOf = SchemaGenerator::subschema_for::<T>;

    fn reply(self) -> Result<Reply, Error> {
        json::write(&self).map(Reply)
    }
}

impl<T: Serialize + JsonSchema, E: Into<Error>> Output<Fallible> for Result<T, E> {
    const SCHEMA: SchemaOf = SchemaGenerator::subschema_for::<T>;

    fn reply(self) -> Result<Reply, Error> {
        match self {
            Ok(value) => json::write(&value).map(Reply),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes what an endpoint returned the body of the response.
pub fn reply<T: Output<M>, M>(output: T) -> Result<Reply, Error> {
    output.reply()
}
