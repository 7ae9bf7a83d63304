//! Turns panics of an app's layers into error responses. Panics of endpoints are caught where they are called.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::Response;
use pin_project_lite::pin_project;

use crate::endpoint::RequestId;
use crate::error::Error;

pin_project! {
    /// The response, or an error response after a panic. `id` is the id of the request, if it has one.
    pub(crate) struct CatchPanicFuture<F> {
        pub(crate) id: Option<RequestId>,
        #[pin]
        pub(crate) response: F,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for CatchPanicFuture<F> {
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| this.response.poll(cx)));
        polled.unwrap_or_else(|panic| {
            let id = this.id.take().unwrap_or_else(RequestId::new);
            Poll::Ready(Ok(answer(&*panic, id)))
        })
    }
}

fn answer(panic: &(dyn Any + Send), id: RequestId) -> Response {
    let error = Error::panicked(panic);
    tracing::error!(request_id = %id, trace_id = id.trace_id(), status = 500, "layer: {error}");
    let mut response = error.response(&id);
    id.put_on(response.headers_mut());
    response
}
