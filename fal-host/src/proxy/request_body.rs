//! The body of a client's request, on its way to a runner.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::client::Client;
use super::hop_by_hop::prepare_trailers;
use super::timer::Wait;

/// A request body that tells the connection when all of it has arrived.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    client: Arc<Client>,
}

impl RequestBody {
    pub(super) const fn new(incoming: Incoming, client: Arc<Client>) -> Self {
        Self { incoming, client }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        if this.client.awaits_continue() {
            // A runner that does not say it gets the body after a while.
            ready!(this.client.timer.poll(Wait::Continue, cx));
            this.client.stop_awaiting_continue();
        }
        let mut frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        match &mut frame {
            Some(Ok(frame)) => {
                let trailers = frame.trailers_mut().map(prepare_trailers);
                if trailers.is_some() || this.incoming.is_end_stream() {
                    this.client.finish_upload();
                }
            }
            Some(Err(_)) => {}
            None => this.client.finish_upload(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
