//! The bodies of responses to clients.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::client::Client;
use super::departure::departed_from_response;
use super::exchange::Exchange;
use super::hop_by_hop::prepare_trailers;
use super::request_record::RequestRecord;
use super::upstream::UpstreamError;

/// The body of a response to a client.
#[derive(Debug)]
pub(super) struct ResponseBody {
    source: Source,
    /// Its request ends when the body is dropped.
    _request: InRequest,
    record: Option<RequestRecord>,
}

#[derive(Debug)]
enum Source {
    /// A runner's, passed on as it arrives.
    Runner(RunnerBody),
    /// The host's own.
    Own(Full<Bytes>),
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let is_complete = match &self.source {
            Source::Runner(body) => body.exchange.is_finished(),
            Source::Own(_) => true,
        };
        if let Some(record) = self.record.as_mut().filter(|_| is_complete) {
            record.complete();
        }
    }
}

/// Ends the client's request when it is dropped.
#[derive(Debug)]
struct InRequest(Arc<Client>);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

/// A runner's response body. Dropping it before its end abandons the request.
#[derive(Debug)]
struct RunnerBody {
    exchange: Exchange,
    departure: Option<Departure>,
    /// Why the body has no end, until everything before that has been written.
    error: Option<UpstreamError>,
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
        Self { source: Source::Own(body), _request: InRequest(client), record: None }
    }

    /// The body of a response without one.
    pub(super) fn empty(client: Arc<Client>) -> Self {
        Self::own(client, Full::default())
    }

    /// The body of a runner's response. A body that has ended already finishes its exchange.
    pub(super) fn of_runner(mut exchange: Exchange) -> Self {
        let request = InRequest(Arc::clone(exchange.client()));
        exchange.finish_at_end();
        Self {
            source: Source::Runner(RunnerBody { exchange, departure: None, error: None }),
            _request: request,
            record: None,
        }
    }

    /// Measures the response until its end.
    pub(super) fn measure(&mut self, record: RequestRecord) {
        self.record = Some(record);
    }
}

impl RunnerBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.error.is_some() {
            return self.poll_error();
        }
        if self.exchange.client().lacks_part() {
            return Poll::Pending;
        }
        let Poll::Ready(frame) = self.exchange.poll_frame(cx) else {
            self.exchange.client().lack_part();
            return self.poll_departure(cx).map(|()| Some(Err(BodyError::Departed)));
        };
        match frame {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    prepare_trailers(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
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
        if !self.exchange.client().is_flushed() {
            return Poll::Pending;
        }
        Poll::Ready(self.error.take().map(|error| Err(BodyError::Lost(error))))
    }

    fn poll_departure(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let departure = self.departure.get_or_insert_with(|| {
            let client = Arc::clone(self.exchange.client());
            Departure(Box::pin(async move { departed_from_response(&client).await }))
        });
        departure.0.as_mut().poll(cx)
    }
}

/// Why a response body has no end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error(transparent)]
    Lost(UpstreamError),
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
        let Self { source, record, .. } = self.get_mut();
        let frame = match source {
            Source::Runner(body) => ready!(body.poll_frame(cx)),
            Source::Own(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                frame.map(|frame| frame.map_err(|never: Infallible| match never {}))
            }
        };
        if let Some(record) = record {
            match &frame {
                Some(Ok(frame)) => record.add_bytes(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(BodyError::Lost(_))) => record.break_off(),
                Some(Err(BodyError::Departed)) | None => {}
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Runner(body) => body.exchange.is_finished(),
            Source::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Runner(body) => body.exchange.size_hint(),
            Source::Own(body) => body.size_hint(),
        }
    }
}
