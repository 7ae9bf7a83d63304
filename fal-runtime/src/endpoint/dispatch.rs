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
///
/// No `async fn`, whose future would hold the request twice: one of more than 1 KiB costs the allocator twice as much.
pub(crate) fn serve(
    served: Arc<EndpointService>,
    request: Request,
) -> impl Future<Output = Response> + Send + use<> {
    let (mut parts, mut body) = request.into_parts();
    async move {
        let counted = served.counts.begin(&parts.method);
        let id = RequestId::of(&parts.headers);
        if served.endpoint.is_stream() {
            let (stream, method) = (Arc::clone(&served), parts.method.clone());
            let mut response = Box::pin(event_stream::serve(stream, parts, body, id.clone())).await;
            counted.finish(&method, response.status());
            id.put_on(response.headers_mut());
            return response;
        }
        // The head outlives the call: a health check requested before a failure is sent, too (S27).
        let mut head = ResponseHead::default();
        let deadline = served.deadline();
        let span = served.span(&parts, &id);
        let (request, body) = (&mut parts, &mut body);
        let mut incoming = IncomingRequest { request, body, id: &id, deadline, events: None };
        let call = span.attach(served.call(&mut incoming, &mut head));
        let called = AssertUnwindSafe(call).catch_unwind().await;
        let result = called.unwrap_or_else(|panic| Err(Error::panicked(&*panic)));
        let mut response = match result.and_then(|reply| head.validate().map(|()| reply)) {
            Ok(reply) => success_response(&parts, reply, head),
            Err(error) => {
                span.fail(&error);
                error_response(&served, &id, &error, head)
            }
        };
        span.end(response.status());
        counted.finish(&parts.method, response.status());
        id.put_on(response.headers_mut());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beyond this size, glibc's allocator takes its slow path.
    #[test]
    fn the_future_of_a_request_is_below_the_allocators_limit() {
        fn size<F>(_: impl Fn(Arc<EndpointService>, Request) -> F) -> usize {
            size_of::<F>()
        }
        // axum adds 8 bytes.
        assert!(size(serve) <= 1024, "{}", size(serve));
    }
}
