use std::marker::PhantomData;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::{SchemaOf, json};
use crate::Error;

/// The body of a response, as JSON.
#[derive(Debug)]
pub struct Reply(pub(super) Bytes);

/// What an endpoint answers with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of an endpoint",
    label = "has no JSON form that can be described",
    note = "an answer has both derives: `#[derive(Serialize, JsonSchema)]`"
)]
pub trait Answer: Serialize + JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Answer for T {}

/// What an endpoint fails with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of an endpoint",
    label = "does not become a `fal_runtime::Error`",
    note = "return `fal_runtime::Result<…>`, which takes every `std::error::Error` by `?`"
)]
pub trait Failure: Into<Error> {}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> Failure for E {}

/// What a function of this return type gives: its own functions are for a `Result`; those of [`ReturnsValue`], which
/// are found after them, are for everything else.
#[derive(Debug)]
pub struct Returns<R>(PhantomData<R>);

impl<T, E> Returns<Result<T, E>> {
    /// The schema of the body.
    pub fn schema() -> SchemaOf
    where
        T: Answer,
        E: Failure,
    {
        SchemaOf::of::<T>()
    }

    /// Makes it the body.
    pub fn reply(result: Result<T, E>) -> Result<Reply, Error>
    where
        T: Answer,
        E: Failure,
    {
        match result {
            Ok(answer) => json::write(&answer),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a function gives that does not return a `Result`.
pub trait ReturnsValue<R> {
    /// The schema of the body.
    fn schema() -> SchemaOf
    where
        R: Answer;

    /// Makes it the body.
    fn reply(answer: R) -> Result<Reply, Error>
    where
        R: Answer;
}

impl<R> ReturnsValue<R> for Returns<R> {
    fn schema() -> SchemaOf
    where
        R: Answer,
    {
        SchemaOf::of::<R>()
    }

    fn reply(answer: R) -> Result<Reply, Error>
    where
        R: Answer,
    {
        json::write(&answer)
    }
}
