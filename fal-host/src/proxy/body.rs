//! The bodies of responses to clients.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::exchange::Exchange;
use super::request_record::RequestRecord;
pub(super) use super::runner_body::BodyError;
use super::runner_body::RunnerBody;
use super::session::Session;
use super::waiting_response::WaitingResponse;

/// The body of a response to a client. It has its own memory, because hyper moves it several times.
#[derive(Debug)]
pub(super) struct ResponseBody(Box<Inner>);

#[derive(Debug)]
struct Inner {
    source: BodySource,
    request: InRequest,
}

/// Where the body of a response comes from.
#[derive(Debug)]
pub(super) enum BodySource {
    /// A runner's, passed on as it arrives.
    Runner(RunnerBody),
    /// A runner's, which waits in its connection.
    Waiting(Arc<Session>),
    /// The host's own.
    Own(Full<Bytes>),
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Self { source, request: InRequest(record) } = self;
        let is_complete = match source {
            BodySource::Runner(body) => body.is_finished(),
            BodySource::Waiting(session) => {
                let (body, bytes) = session.waiting.take();
                record.add_bytes(bytes);
                body.is_none_or(|body| body.is_finished())
            }
            BodySource::Own(_) => true,
        };
        if is_complete {
            record.complete();
        }
    }
}

/// Measures the request until it is dropped, which ends the request.
#[derive(Debug)]
struct InRequest(RequestRecord);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.session().client.end_request();
    }
}

impl ResponseBody {
    /// The body of the response to the request that is measured. The request ends when the body is dropped.
    pub(super) fn new(source: BodySource, record: RequestRecord) -> Self {
        Self(Box::new(Inner { source, request: InRequest(record) }))
    }
}

impl BodySource {
    /// The body of a response without one.
    pub(super) fn empty() -> Self {
        Self::Own(Full::default())
    }

    /// The body of a runner's response. A body that has ended already finishes its exchange.
    pub(super) fn of_runner(mut exchange: Exchange) -> Self {
        exchange.finish_at_end();
        Self::Runner(RunnerBody::new(exchange))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Runner(body) => body.is_finished(),
            Self::Waiting(session) => session.waiting.is_finished(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Runner(body) => body.size_hint(),
            // It has chunks.
            Self::Waiting(_) => SizeHint::new(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

impl Inner {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { source, request: InRequest(record) } = self;
        match source {
            BodySource::Runner(body) => {
                let part = body.poll_frame(cx);
                if part.is_ready() {
                    return part;
                }
                record.await_part();
                let session = record.session();
                if WaitingResponse::is_possible(&session.client)
                    && let waiting = BodySource::Waiting(Arc::clone(session))
                    && let BodySource::Runner(body) = std::mem::replace(source, waiting)
                {
                    session.waiting.put(body);
                }
                part
            }
            BodySource::Waiting(session) => session.waiting.poll_part(cx, RunnerBody::poll_frame),
            BodySource::Own(body) => {
                Pin::new(body).poll_frame(cx).map_err(|never: Infallible| match never {})
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self.get_mut().0;
        let frame = ready!(this.poll_part(cx));
        let InRequest(record) = &mut this.request;
        record.session().client.relay.close();
        match &frame {
            Some(Ok(frame)) => record.add_bytes(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(BodyError::Lost(_))) => record.break_off(),
            Some(Err(BodyError::Departed)) | None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.source.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.source.size_hint()
    }
}
