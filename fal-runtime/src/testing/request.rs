//! One request to an app under test.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use super::client::Client;
use super::pending::Pending;
use super::response::Response;
use crate::error::{Error, Result};

/// A request to an app under test, as a client makes it.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    client: &'a Client,
    head: http::request::Builder,
    body: Result<Bytes>,
}

impl<'a> Request<'a> {
    pub(super) fn new(client: &'a Client, method: http::Method, path: &str) -> Self {
        Self { client, head: http::Request::builder().method(method).uri(path), body: Ok(Bytes::new()) }
    }

    /// Adds a header.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N, Error: Into<http::Error>>,
        HeaderValue: TryFrom<V, Error: Into<http::Error>>,
    {
        self.head = self.head.header(name, value);
        self
    }

    /// Sets the body to this value as JSON, and the content type.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).map(Bytes::from).map_err(Error::from);
        self.header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Sets the body to these bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Ok(body.into());
        self
    }

    /// Sends the request and waits for the whole response. It is an error if the request is invalid, for example
    /// because of a header. A failure of the app is a response.
    pub fn send(self) -> Pending<'a, Result<Response>> {
        let Self { client, head, body } = self;
        client.send(body.and_then(|body| Ok(head.body(body)?)))
    }
}
