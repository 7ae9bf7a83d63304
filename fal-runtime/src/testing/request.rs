use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Pending, TestApp};
use crate::{App, Error, Result};

/// A request to an app under test, as a client makes it.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a, A: App> {
    app: &'a TestApp<A>,
    head: http::request::Builder,
    body: Result<Bytes>,
}

impl<'a, A: App> Request<'a, A> {
    pub(super) fn new(app: &'a TestApp<A>, method: http::Method, path: &str) -> Self {
        Self { app, head: http::Request::builder().method(method).uri(path), body: Ok(Bytes::new()) }
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

    /// Sends this as JSON, with its content type.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).map(Bytes::from).map_err(Error::from);
        self.header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Sends these bytes as they are.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Ok(body.into());
        self
    }

    /// Sends it and waits for the whole response. An error is a request that cannot be made, such as one with a header
    /// that is none; what the app fails with is a response.
    pub fn send(self) -> Pending<'a, Result<Response>> {
        let Self { app, head, body } = self;
        app.sent(body.and_then(|body| Ok(head.body(body)?)))
    }
}

/// What a client reads.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Response {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers, as they leave the runner: a host removes the one that asks for a health check (S28).
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Its body out of JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
