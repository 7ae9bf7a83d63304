//! Answers requests to an endpoint.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;

use super::event_stream;
use super::request_id::RequestId;
use super::response::{error_response, success_response};
use super::service::{EndpointService, IncomingRequest};
use crate::answer::ResponseHead;
use crate::error::Error;

/// Answers a request to an endpoint. Dropping the future cancels an async endpoint and abandons a blocking one.
pub(crate) async fn serve(served: Arc<EndpointService>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let (counting, method) = (Arc::clone(&served), parts.method.clone());
    let counted = counting.counts.begin(&method);
    let id = RequestId::of(&parts.headers);
    let mut response = if served.endpoint.is_stream() {
        Box::pin(event_stream::serve(served, parts, body, id.clone())).await
    } else {
        // The head outlives the call: a health check requested before a failure is sent, too (S27).
        let mut head = ResponseHead::default();
        let deadline = served.deadline();
        let incoming = IncomingRequest { request: &mut parts, body, id: &id, deadline, events: None };
        let called = AssertUnwindSafe(served.call(incoming, &mut head)).catch_unwind().await;
        let result = called.unwrap_or_else(|panic| Err(Error::panicked(&*panic)));
        match result.and_then(|reply| head.validate().map(|()| reply)) {
            Ok(reply) => success_response(reply, head),
            Err(error) => error_response(&served, &id, &error, head),
        }
    };
    counted.finish(&method, response.status());
    id.put_on(response.headers_mut());
    response
}
