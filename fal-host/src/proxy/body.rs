//! The bodies of responses to clients.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::client::Client;
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
    source: Source,
    /// Its request ends when the body is dropped.
    request: InRequest,
    record: Option<RequestRecord>,
}

#[derive(Debug)]
enum Source {
    /// A runner's, passed on as it arrives.
    Runner(RunnerBody),
    /// A runner's, which waits in its connection.
    Waiting(Arc<Session>),
    /// The host's own.
    Own(Full<Bytes>),
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Self { source, record, .. } = self;
        let is_complete = match source {
            Source::Runner(body) => body.is_finished(),
            Source::Waiting(session) => {
                let (body, bytes) = session.waiting.take();
                if let Some(record) = record {
                    record.add_bytes(bytes);
                }
                body.is_none_or(|body| body.is_finished())
            }
            Source::Own(_) => true,
        };
        if let Some(record) = record.as_mut().filter(|_| is_complete) {
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

impl ResponseBody {
    fn new(client: Arc<Client>, source: Source) -> Self {
        Self(Box::new(Inner { source, request: InRequest(client), record: None }))
    }

    pub(super) fn own(client: Arc<Client>, body: Full<Bytes>) -> Self {
        Self::new(client, Source::Own(body))
    }

    /// The body of a response without one.
    pub(super) fn empty(client: Arc<Client>) -> Self {
        Self::own(client, Full::default())
    }

    /// The body of a runner's response. A body that has ended already finishes its exchange.
    pub(super) fn of_runner(mut exchange: Exchange) -> Self {
        exchange.finish_at_end();
        Self::new(Arc::clone(exchange.client()), Source::Runner(RunnerBody::new(exchange)))
    }

    /// Measures the response until its end.
    pub(super) fn measure(&mut self, record: RequestRecord) {
        self.0.record = Some(record);
    }
}

impl Inner {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { source, request: InRequest(client), record } = self;
        match source {
            Source::Runner(body) => {
                let part = body.poll_frame(cx);
                if part.is_ready() {
                    return part;
                }
                if let Some(record) = record {
                    record.await_part();
                }
                if WaitingResponse::is_possible(client)
                    && let Some(session) = record.as_ref().map(RequestRecord::session)
                    && let waiting = Source::Waiting(Arc::clone(session))
                    && let Source::Runner(body) = std::mem::replace(source, waiting)
                {
                    session.waiting.put(body);
                }
                part
            }
            Source::Waiting(session) => session.waiting.poll_part(cx, RunnerBody::poll_frame),
            Source::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never: Infallible| match never {}),
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
        this.request.0.relay.close();
        if let Some(record) = &mut this.record {
            match &frame {
                Some(Ok(frame)) => record.add_bytes(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(BodyError::Lost(_))) => record.break_off(),
                Some(Err(BodyError::Departed)) | None => {}
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.0.source {
            Source::Runner(body) => body.is_finished(),
            Source::Waiting(session) => session.waiting.is_finished(),
            Source::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0.source {
            Source::Runner(body) => body.size_hint(),
            // It has chunks.
            Source::Waiting(_) => SizeHint::new(),
            Source::Own(body) => body.size_hint(),
        }
    }
}
