use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};

use super::blocking::Lane;
use super::events::Sender;
use super::health::HealthThreads;
use super::json::Reader;
use super::{Call, Endpoint, Reply, RequestId, ResponseHead, body, explain, stream};
use crate::error::failure;
use crate::{Calls, ConnectionHold, Declaration, Error, Instance};

/// An app that runs, and its calls.
#[derive(Debug)]
pub(crate) struct Running {
    instance: Instance,
    calls: Arc<Calls>,
    /// The largest body, in bytes, that an endpoint without a limit of its own takes.
    body_limit: usize,
    request_timeout: Option<Duration>,
}

impl Running {
    pub(crate) fn new(app: &Declaration, instance: Instance, calls: Arc<Calls>) -> Self {
        let settings = &app.settings;
        let (body_limit, request_timeout) = (settings.body_limit(), settings.request_timeout());
        Self { instance, calls, body_limit, request_timeout }
    }
}

/// An endpoint of a running app.
#[derive(Debug)]
pub(crate) struct Served {
    endpoint: &'static Endpoint,
    app: Arc<Running>,
    lane: Lane,
    body_limit: usize,
}

/// A request that has come in.
pub(super) struct Incoming<'a> {
    pub(super) request: &'a mut Parts,
    pub(super) body: Body,
    pub(super) id: &'a RequestId,
    /// When its caller stops waiting, where that is known.
    pub(super) deadline: Option<Instant>,
    /// Where events go; none where the endpoint sends none.
    pub(super) events: Option<Sender>,
}

impl Served {
    pub(crate) fn new(endpoint: &'static Endpoint, app: Arc<Running>) -> Self {
        let lane = match endpoint.is_health_check() {
            Some(config) => Lane::Health(HealthThreads::new(config.timeout())),
            None => Lane::Pool,
        };
        let body_limit = endpoint.own_body_limit().unwrap_or(app.body_limit);
        Self { endpoint, app, lane, body_limit }
    }

    pub(super) async fn call(&self, incoming: Incoming<'_>, head: &mut ResponseHead) -> Result<Reply, Error> {
        let Incoming { request, body, id, deadline, events } = incoming;
        let endpoint = self.endpoint;
        // Before a place is taken: a slow sender keeps only itself waiting.
        let body = match endpoint.body() {
            Some(_) => match body::read(&request.headers, body, self.body_limit).await? {
                Some(body) => body,
                None if endpoint.may_lack_its_body() => Bytes::from_static(b"null"),
                None => return Err(explain::absent()),
            },
            None => Bytes::new(),
        };
        let hold = request.extensions.get::<ConnectionHold>().cloned();
        let place = match self.lane {
            Lane::Pool => self.app.calls.place(endpoint.path(), hold).await,
            Lane::Health(_) => self.app.calls.exempt(endpoint.path(), hold),
        };
        let (instance, lane) = (&self.app.instance, self.lane.clone());
        let (function, reader, place) = (endpoint.function(), Reader::new(&body), Some(place));
        // It keeps its place until its function has ended.
        let mut call = Call { head, instance, endpoint, id, deadline, request, events, reader, lane, place };
        function(&mut call).await
    }

    /// When the caller of a request that arrives now stops waiting.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.app.request_timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    fn answers(&self, method: &Method) -> bool {
        match *method {
            Method::POST => true,
            Method::GET | Method::HEAD => self.endpoint.is_health_check().is_some(),
            _ => false,
        }
    }

    pub(super) fn log(&self, id: &RequestId, error: &Error) {
        let (endpoint, status) = (self.endpoint.path(), error.status_code().as_u16());
        if error.status_code().is_server_error() {
            tracing::error!(request_id = %id, endpoint, status, "{error}");
        } else {
            tracing::debug!(request_id = %id, endpoint, status, "{error}");
        }
    }
}

/// Answers a request to an endpoint. Dropping the future cancels an async endpoint and abandons a blocking one.
pub(crate) async fn serve(served: Arc<Served>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::of(&parts.headers);
    let mut response = if !served.answers(&parts.method) {
        method_not_allowed(served.endpoint.methods())
    } else if served.endpoint.is_stream() {
        Box::pin(stream::serve(served, parts, body, id.clone())).await
    } else {
        // The head outlives the call: what an endpoint asked for before it failed is sent all the same (S27).
        let mut head = ResponseHead::default();
        let deadline = served.deadline();
        let incoming = Incoming { request: &mut parts, body, id: &id, deadline, events: None };
        let called = AssertUnwindSafe(served.call(incoming, &mut head)).catch_unwind().await;
        let result = called.unwrap_or_else(|panic| Err(Error::panicked(&*panic)));
        match result.and_then(|reply| sound(&head).map(|()| reply)) {
            Ok(reply) => succeeded(reply, head),
            Err(error) => failed(&served, &id, &error, head),
        }
    };
    id.put_on(response.headers_mut());
    response
}

/// What a method that is not answered gets: 405 with those that are.
pub(crate) fn method_not_allowed(allow: &'static str) -> Response {
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// Whether the head can be one of an answer.
pub(super) fn sound(head: &ResponseHead) -> Result<(), Error> {
    let status = head.status();
    if status.is_informational() {
        return Err(Error::msg(format!("the endpoint set status {status}, which is no answer's")));
    }
    Ok(())
}

fn succeeded(reply: Reply, head: ResponseHead) -> Response {
    let mut response = match reply {
        Reply::Json(body) => {
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Reply::Raw(response) => *response,
    };
    if matches!(head.status(), StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
    {
        response = Response::new(Body::empty());
    }
    head.apply(&mut response);
    response
}

/// The response of a call that has failed, which is logged.
pub(super) fn failed(served: &Served, id: &RequestId, error: &Error, head: ResponseHead) -> Response {
    served.log(id, error);
    let mut response = error.response(id);
    head.apply_request(&mut response);
    response
}
