//! The answer of an endpoint, as a response and in the OpenAPI document.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Error;
use crate::json;
use crate::json::{SchemaOf, Written};

/// A response but for what the endpoint's head says.
#[derive(Debug)]
pub enum Reply {
    /// A body, as JSON.
    Json(Bytes),
    /// Anything else.
    Raw(Box<Response<Body>>),
}

impl Reply {
    /// That of an endpoint that has sent all it had.
    pub(super) const NONE: Self = Self::Json(Bytes::new());

    /// Compiled once, not for every type that is written.
    #[inline(never)]
    fn json(written: Written) -> Result<Self, Error> {
        written.into_bytes().map(Self::Json)
    }
}

/// What the OpenAPI document tells of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// JSON of this schema.
    Json(SchemaOf),
    /// Server-sent events, the data of each of this schema.
    Events(SchemaOf),
    /// Bytes of any format.
    Bytes,
    /// No body, but another place to look at, by one of these statuses.
    Redirect(&'static [StatusCode]),
    /// It is not known.
    Undocumented,
}

/// What an endpoint answers with: a plain value, which is sent as JSON, or one of the types of
/// [`fal_runtime::answer`](crate::answer).
///
/// The type decides. `M` only keeps the two ways apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an endpoint",
    label = "not serializable, or without a JSON schema",
    note = "write `#[derive(Serialize, JsonSchema)]` above the type, and `Out` instead of `Json<Out>`"
)]
pub trait Answer<M>: Sized {
    /// What the document tells of it.
    const CONTENT: Content;

    /// Makes it the response.
    fn reply(self) -> Result<Reply, Error>;
}

/// Marks what is sent as JSON.
#[derive(Debug)]
pub enum AsJson {}

/// Marks what is a response by itself.
#[derive(Debug)]
pub enum AsItIs {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Answer<AsJson> for T {
    const CONTENT: Content = Content::Json(SchemaOf::of::<T>());

    fn reply(self) -> Result<Reply, Error> {
        Reply::json(json::write(&self))
    }
}

/// Whatever axum can make a response of; the document says nothing of it.
#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for Response<Body> {
    const CONTENT: Content = Content::Undocumented;

    fn reply(self) -> Result<Reply, Error> {
        Ok(Reply::Raw(Box::new(self)))
    }
}
