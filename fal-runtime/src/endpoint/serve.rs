use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};

use super::blocking::Lane;
use super::health::HealthThreads;
use super::{Call, Endpoint, Reply, RequestId, ResponseHead, body};
use crate::error::failure;
use crate::{Calls, ConnectionHold, Error, Instance};

/// An app that runs, and its calls.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) instance: Instance,
    pub(crate) calls: Arc<Calls>,
}

/// An endpoint of a running app.
#[derive(Debug)]
pub(crate) struct Served {
    endpoint: &'static Endpoint,
    app: Arc<Running>,
    lane: Lane,
}

impl Served {
    pub(crate) fn new(endpoint: &'static Endpoint, app: Arc<Running>) -> Self {
        let lane = match endpoint.is_health_check() {
            Some(config) => Lane::Health(HealthThreads::new(config.timeout())),
            None => Lane::Pool,
        };
        Self { endpoint, app, lane }
    }

    async fn call(&self, request: &mut Parts, body: Body, head: &mut ResponseHead) -> Result<Reply, Error> {
        let path = self.endpoint.path();
        // Before a place is taken: a slow sender keeps only itself waiting.
        let body = match self.endpoint.body() {
            Some(_) => body::read(&request.headers, body).await?,
            None => Bytes::new(),
        };
        let hold = request.extensions.get::<ConnectionHold>().cloned();
        let place = match self.lane {
            Lane::Pool => self.app.calls.place(path, hold).await,
            Lane::Health(_) => self.app.calls.exempt(path, hold),
        };
        let function = self.endpoint.function();
        function(Call { head, instance: &self.app.instance, request, body, lane: self.lane.clone(), place })
            .await
    }

    fn answers(&self, method: &Method) -> bool {
        match *method {
            Method::POST => true,
            Method::GET | Method::HEAD => self.endpoint.is_health_check().is_some(),
            _ => false,
        }
    }
}

/// Answers a request to an endpoint. Dropping the future cancels an async endpoint and abandons a blocking one.
pub(crate) async fn serve(served: Arc<Served>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::of(&parts.headers);
    let mut response = if served.answers(&parts.method) {
        // The head outlives the call: what an endpoint asked for before it failed is sent all the same (S27).
        let mut head = ResponseHead::default();
        let called = AssertUnwindSafe(served.call(&mut parts, body, &mut head)).catch_unwind().await;
        let result = called.unwrap_or_else(|panic| Err(Error::panicked(&*panic)));
        match result.and_then(|reply| succeeded(reply, &head)) {
            Ok(mut response) => {
                head.apply(&mut response);
                response
            }
            Err(error) => {
                log(&served, &id, &error);
                let mut response = error.response();
                head.apply_request(&mut response);
                response
            }
        }
    } else {
        method_not_allowed(served.endpoint.methods())
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

fn succeeded(reply: Reply, head: &ResponseHead) -> Result<Response, Error> {
    let status = head.status();
    if status.is_informational() {
        return Err(Error::msg(format!("the endpoint set status {status}, which is no answer's")));
    }
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Response::new(Body::empty()));
    }
    let mut response = Response::new(Body::from(reply.0));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn log(served: &Served, id: &RequestId, error: &Error) {
    let (endpoint, status) = (served.endpoint.path(), error.status_code().as_u16());
    if error.status_code().is_server_error() {
        tracing::error!(request_id = %id, endpoint, status, "{error}");
    } else {
        tracing::debug!(request_id = %id, endpoint, status, "{error}");
    }
}
