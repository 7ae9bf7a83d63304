//! The body of a request, and whether its call has read all of it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::body_wakes::poll_part;

/// Whether the body of a connection's current request has a rest that nothing has read.
///
/// After a response to such a request the connection cannot serve another one, and hyper closes it. A client without a
/// `connection: close` loses its next request then.
#[derive(Clone, Debug, Default)]
pub(super) struct UnreadBody(Arc<AtomicBool>);

impl UnreadBody {
    /// Replaces the request's body by one that records when its end is read.
    pub(super) fn track(&self, request: Request<Incoming>) -> Request<Body> {
        let is_unread = !request.body().is_end_stream();
        self.0.store(is_unread, Ordering::Relaxed);
        request.map(|body| {
            if is_unread { Body::new(TrackedBody { body, unread: self.clone() }) } else { Body::empty() }
        })
    }

    pub(super) fn is_unread(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct TrackedBody {
    body: Incoming,
    unread: UnreadBody,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(poll_part(&mut this.body, cx));
        let is_trailers = matches!(&frame, Some(Ok(frame)) if frame.is_trailers());
        if frame.is_none() || is_trailers || this.body.is_end_stream() {
            this.unread.0.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
