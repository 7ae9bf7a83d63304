//! The bodies of responses to clients.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use super::exchange::Exchange;
use super::headers::prepare_trailers;

/// The body of a response to a client.
#[derive(Debug)]
pub(super) enum ResponseBody {
    /// A runner's, passed on as it arrives.
    Runner(RunnerBody),
    /// The host's own.
    Own(Full<Bytes>),
}

/// A runner's response body with its exchange. At its end the connection returns to the pool; dropping it before that
/// abandons the request.
#[derive(Debug)]
pub(super) struct RunnerBody {
    incoming: Incoming,
    exchange: Option<Exchange>,
}

impl RunnerBody {
    pub(super) fn new(incoming: Incoming, exchange: Exchange) -> Self {
        let mut body = Self { incoming, exchange: Some(exchange) };
        body.finish_at_end();
        body
    }

    /// Finishes as soon as the end is known: hyper does not poll a body again that says it has ended.
    fn finish_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            exchange.finish();
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        match &mut frame {
            Some(Ok(frame)) => match frame.trailers_mut() {
                Some(trailers) => {
                    prepare_trailers(trailers);
                    // Trailers are the end: hyper does not poll again after them.
                    self.finish();
                }
                None => self.finish_at_end(),
            },
            Some(Err(error)) => {
                if let Some(exchange) = self.exchange.take() {
                    exchange.lost(error);
                }
            }
            None => self.finish(),
        }
        Poll::Ready(frame)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Runner(body) => body.poll_frame(cx),
            Self::Own(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|never: Infallible| match never {})))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Runner(body) => body.incoming.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Runner(body) => body.incoming.size_hint(),
            Self::Own(body) => body.size_hint(),
        }
    }
}
