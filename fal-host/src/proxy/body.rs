use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use super::headers::prepare_trailers;
use super::upstream::Exchange;

/// The body of a response to a client.
#[derive(Debug)]
pub(super) enum Reply {
    /// A runner's, handed on as it comes.
    Runner(RunnerBody),
    /// The host's own.
    Own(Full<Bytes>),
}

/// What a runner sends, and the connection it comes from. At its end the connection goes back to be used again; dropped
/// before that, the request is abandoned.
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

    /// A server does not ask again for what it knows to be the end.
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
                    // They are the end, and a server asks for nothing after them.
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

impl Body for Reply {
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
