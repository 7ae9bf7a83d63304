//! The bodies of responses to clients.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use super::client::Client;
use super::departure::departed_from_response;
use super::exchange::Exchange;
use super::hop_by_hop::prepare_trailers;

/// The body of a response to a client.
#[derive(Debug)]
pub(super) struct ResponseBody {
    source: Source,
    /// Its request ends when the body is dropped.
    _request: InRequest,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and a box would cost an allocation a request"
)]
enum Source {
    /// A runner's, passed on as it arrives.
    Runner(RunnerBody),
    /// The host's own.
    Own(Full<Bytes>),
}

/// Ends the client's request when it is dropped.
#[derive(Debug)]
struct InRequest(Arc<Client>);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

/// A runner's response body with its exchange. At its end the connection returns to the pool; dropping it before that
/// abandons the request.
#[derive(Debug)]
struct RunnerBody {
    incoming: Incoming,
    exchange: Option<Exchange>,
    departure: Option<Departure>,
    /// Why the body has no end, until everything before that has been written.
    error: Option<hyper::Error>,
}

/// Resolves when the client has left while its response is being sent.
struct Departure(Pin<Box<dyn Future<Output = ()> + Send>>);

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Departure")
    }
}

impl ResponseBody {
    pub(super) const fn own(client: Arc<Client>, body: Full<Bytes>) -> Self {
        Self { source: Source::Own(body), _request: InRequest(client) }
    }

    /// The body of a response without one.
    pub(super) fn empty(client: Arc<Client>) -> Self {
        Self::own(client, Full::default())
    }

    /// The body of a runner's response. A body that has ended already finishes its exchange.
    pub(super) fn of_runner(incoming: Incoming, exchange: Exchange, cx: &mut Context<'_>) -> Self {
        let request = InRequest(Arc::clone(exchange.client()));
        let mut body = RunnerBody { incoming, exchange: Some(exchange), departure: None, error: None };
        body.finish_at_end(cx);
        Self { source: Source::Runner(body), _request: request }
    }
}

impl RunnerBody {
    /// Finishes as soon as the end is known: hyper does not poll a body again that says it has ended.
    fn finish_at_end(&mut self, cx: &mut Context<'_>) {
        if self.incoming.is_end_stream() {
            self.finish(cx);
        }
    }

    fn finish(&mut self, cx: &mut Context<'_>) {
        if let Some(exchange) = self.exchange.take() {
            exchange.finish(cx);
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.error.is_some() {
            return self.poll_error();
        }
        let Poll::Ready(mut frame) = self.poll_incoming(cx) else {
            return self.poll_departure(cx).map(|()| Some(Err(BodyError::Departed)));
        };
        match &mut frame {
            Some(Ok(frame)) => match frame.trailers_mut() {
                Some(trailers) => {
                    prepare_trailers(trailers);
                    // Trailers are the end: hyper does not poll again after them.
                    self.finish(cx);
                }
                None => self.finish_at_end(cx),
            },
            Some(Err(error)) => {
                if let Some(exchange) = &self.exchange {
                    exchange.lost(error);
                }
            }
            None => self.finish(cx),
        }
        match frame {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            None => Poll::Ready(None),
            Some(Err(error)) => {
                // hyper would drop what it has not written yet. It writes that first if the body has nothing at the moment,
                // and then polls the body again.
                self.error = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn poll_error(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.exchange.as_ref().is_some_and(|exchange| !exchange.client().is_flushed()) {
            return Poll::Pending;
        }
        drop(self.exchange.take());
        Poll::Ready(self.error.take().map(|error| Err(BodyError::Lost(error))))
    }

    /// Takes what has arrived, or else lets the connection read more.
    ///
    /// Frames arrive only while the connection is driven, so the body needs no waker of its own.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut driven = Context::from_waker(Waker::noop());
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(&mut driven) {
            return Poll::Ready(frame);
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.poll_drive(cx);
        }
        Pin::new(&mut self.incoming).poll_frame(&mut driven)
    }

    fn poll_departure(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(exchange) = &self.exchange else { return Poll::Pending };
        let departure = self.departure.get_or_insert_with(|| {
            let client = Arc::clone(exchange.client());
            Departure(Box::pin(async move { departed_from_response(&client).await }))
        });
        departure.0.as_mut().poll(cx)
    }
}

/// Why a response body has no end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error(transparent)]
    Lost(hyper::Error),
    #[error("the client has left")]
    Departed,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().source {
            Source::Runner(body) => body.poll_frame(cx),
            Source::Own(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|never: Infallible| match never {})))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Runner(body) => body.incoming.is_end_stream(),
            Source::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Runner(body) => body.incoming.size_hint(),
            Source::Own(body) => body.size_hint(),
        }
    }
}
