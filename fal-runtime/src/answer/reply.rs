//! The answer of an endpoint, as a response and in the OpenAPI document.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::binary::Binary;
use super::by_request::ByRequest;
use super::file::File;
use crate::error::Error;
use crate::json;
use crate::json::{SchemaOf, Written};

/// An answer before the endpoint's [`ResponseHead`](super::head::ResponseHead) is applied.
#[derive(Debug)]
pub enum Reply {
    /// A body, as JSON.
    Json(Bytes),
    /// What the request asks for.
    ByRequest(Box<dyn ByRequest>),
    /// Any other response.
    Raw(Box<Response<Body>>),
}

impl Reply {
    /// The answer of an endpoint that has sent events.
    pub(super) const NONE: Self = Self::Json(Bytes::new());

    /// Not generic: compiled once, not for every type.
    #[inline(never)]
    fn json(written: Written) -> Result<Self, Error> {
        written.into_bytes().map(Self::Json)
    }
}

/// The content of an answer in the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// JSON of this schema.
    Json(SchemaOf),
    /// Server-sent events, whose data has this schema.
    Events(SchemaOf),
    /// Bytes of any format.
    Bytes,
    /// The same from a file, of which a client may ask for a part.
    File,
    /// A redirect with one of these statuses.
    Redirect(&'static [StatusCode]),
    /// Not documented.
    Undocumented,
}

/// The return type of an endpoint: a serializable value, which is sent as JSON, or one of the types of
/// [`fal_runtime::answer`](crate::answer).
///
/// `M` marks which of the two it is. It is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an endpoint",
    label = "not serializable, or without a JSON schema",
    note = "write `#[derive(Serialize, JsonSchema)]` above the type, `Out` instead of `Json<Out>`, and take `response: &mut ResponseHead` to set a status"
)]
pub trait Answer<M>: Sized {
    /// Its content in the OpenAPI document.
    const CONTENT: Content;

    /// Converts it to a response.
    fn reply(self) -> Result<Reply, Error>;
}

/// Marks answers that are sent as JSON.
#[derive(Debug)]
pub enum AsJson {}

/// Marks answers that are responses.
#[derive(Debug)]
pub enum AsItIs {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Answer<AsJson> for T {
    const CONTENT: Content = Content::Json(SchemaOf::of::<T>());

    fn reply(self) -> Result<Reply, Error> {
        Reply::json(json::write(&self))
    }
}

/// Any response. The OpenAPI document does not describe it.
#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for Response<Body> {
    const CONTENT: Content = Content::Undocumented;

    fn reply(self) -> Result<Reply, Error> {
        Ok(Reply::Raw(Box::new(self)))
    }
}

#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for File {
    const CONTENT: Content = Content::File;

    fn reply(self) -> Result<Reply, Error> {
        Ok(Reply::ByRequest(Box::new(self)))
    }
}

#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for Binary {
    const CONTENT: Content = Content::Bytes;

    fn reply(self) -> Result<Reply, Error> {
        Ok(Reply::Raw(Box::new(self.into_response())))
    }
}
