//! One connection to a runner, which speaks HTTP/1.1. It has no task: the request that uses it polls it.
//!
//! [`outgoing`] writes the request. [`head`] parses the head of the response, [`framing`] decides where its body ends, and
//! [`decoder`] reads it. hyper's client would cost more than all of the rest of a request: it is a state machine of its own,
//! with a channel for each message.

mod decoder;
mod error;
mod framing;
mod head;
mod outgoing;
mod unwanted;

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use decoder::{BodyDecoder, Part};
pub(super) use error::UpstreamError;
use error::{MAX_HEAD, MAX_INTERIM};
use head::{Field, may_end_in, take_head};
pub(super) use outgoing::{AddedFields, Outgoing};
pub(super) use unwanted::wait_until_closed;

use super::client::Client;
use super::request_body::RequestBody;
use super::response_head::write_interim;
use crate::Address;
use crate::connect::{Stream, connect};

/// How much is read at a time: at first, and when a response fills that again and again.
const MIN_READ: usize = 8 * 1024;
const MAX_READ: usize = 256 * 1024;

/// The least room that a read gets.
const MIN_ROOM: usize = 2 * 1024;

/// A connection to a runner. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Upstream {
    stream: Stream,
    outgoing: Outgoing,
    /// What was received and not yet taken.
    received: BytesMut,
    read_size: usize,
    body: BodyDecoder,
    /// Whether the runner keeps the connection open after the response.
    keeps_alive: bool,
    /// How long the runner keeps an idle connection, if it says so.
    pub(super) keep_alive: Option<Duration>,
    /// The tick at which it became idle.
    pub(super) idle_since: u64,
    /// How many interim responses have preceded the response.
    interim: u32,
    /// How much of what was received has been searched for the end of a head.
    searched: usize,
    /// The fields of the next response. Their memory was the request's.
    headers: HeaderMap,
    /// Only memory.
    fields: Vec<Field>,
}

impl Upstream {
    /// Opens a connection to a runner.
    pub(super) async fn open(address: &Address) -> io::Result<Box<Self>> {
        Ok(Box::new(Self {
            stream: connect(address).await?,
            outgoing: Outgoing::default(),
            received: BytesMut::new(),
            read_size: MIN_READ,
            body: BodyDecoder::Ended,
            keeps_alive: true,
            keep_alive: None,
            idle_since: 0,
            interim: 0,
            searched: 0,
            headers: HeaderMap::new(),
            fields: Vec::new(),
        }))
    }

    /// Begins a request. Nothing is written before [`poll_response`](Self::poll_response).
    pub(super) fn begin(&mut self, request: &mut Request<RequestBody>, added: AddedFields<'_>) {
        self.outgoing.encode(request, added);
        self.headers = std::mem::take(request.headers_mut());
        self.headers.clear();
    }

    /// Begins a request of which nothing was written to another connection.
    pub(super) fn begin_again(&mut self, outgoing: Outgoing) {
        self.outgoing = outgoing;
    }

    /// The request, of which nothing was written.
    pub(super) fn into_unsent(self) -> Outgoing {
        self.outgoing
    }

    /// The body of a request that was lost.
    pub(super) fn take_request_body(&mut self) -> RequestBody {
        self.outgoing.take_body()
    }

    /// Whether anything of the request has reached the runner.
    pub(super) fn has_begun(&self) -> bool {
        self.outgoing.has_begun()
    }

    /// Writes the request, and waits for the head of the response. Passes interim responses on to the client.
    ///
    /// If the runner has closed an idle connection, that is noticed before anything is written.
    pub(super) fn poll_response(
        &mut self,
        client: &Client,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, UpstreamError>> {
        let begins = !self.has_begun();
        if begins && !self.is_silent(cx) {
            return Poll::Ready(Err(UpstreamError::Closed));
        }
        loop {
            let failed = match self.poll_write(client, cx) {
                Poll::Ready(outcome) => outcome.err(),
                Poll::Pending => None,
            };
            // A response that has arrived counts more than a request that cannot be written (S43f).
            // While the connection is silent, there is none, and the look at it has registered the task.
            let may_read = self.has_begun() && (!begins || failed.is_some());
            let head = if may_read { self.poll_head(cx) } else { Poll::Pending };
            if let Poll::Ready(Ok(response)) = &head
                && is_interim(response.status())
                && failed.is_none()
            {
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return Poll::Ready(Err(UpstreamError::TooManyInterim));
                }
                if response.status() == StatusCode::CONTINUE {
                    client.stop_awaiting_continue();
                } else {
                    client.send_interim(&write_interim(response.status(), response.headers()));
                }
                ready!(poll_step(cx));
                continue;
            }
            return match (head, failed) {
                (Poll::Ready(Ok(response)), Some(error)) if is_interim(response.status()) => {
                    Poll::Ready(Err(error))
                }
                (Poll::Pending, Some(error)) => Poll::Ready(Err(error)),
                (head, _) => head,
            };
        }
    }

    /// Writes the rest of the request, and reads the next part of the response's body: `None` at its end.
    pub(super) fn poll_frame(
        &mut self,
        client: &Client,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if !self.outgoing.is_complete() {
            // If the client breaks off its upload now, the response still counts.
            let _ = self.poll_write(client, cx);
        }
        ready!(poll_step(cx));
        loop {
            match self.body.decode(&mut self.received)? {
                Part::Data(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Part::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Part::End => return Poll::Ready(None),
                Part::Incomplete => {}
            }
            if ready!(self.poll_read(cx))? == 0 && !self.body.close() {
                return Poll::Ready(Some(Err(UpstreamError::Closed)));
            }
        }
    }

    /// Whether the whole response was taken.
    pub(super) const fn is_ended(&self) -> bool {
        self.body.is_ended()
    }

    /// How much of the response's body follows.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self.body.remaining() {
            Some(remaining) => SizeHint::with_exact(remaining),
            None => SizeHint::new(),
        }
    }

    /// Prepares the connection for the next request. Returns whether it can take one.
    pub(super) fn finish(&mut self) -> bool {
        let is_reusable = self.keeps_alive
            && self.is_ended()
            && self.received.is_empty()
            && self.outgoing.is_complete()
            && !self.outgoing.is_broken();
        if is_reusable {
            self.interim = 0;
            self.outgoing.shrink();
            if self.read_size > MIN_READ {
                self.read_size = MIN_READ;
                self.received = BytesMut::new();
            }
        }
        is_reusable
    }

    /// Whether an idle connection can take a request: the runner has not closed it.
    #[cfg(test)]
    pub(super) fn is_alive(&mut self) -> bool {
        self.is_silent(&mut Context::from_waker(std::task::Waker::noop()))
    }

    /// The stream of a connection that is given up, or that has switched protocols, and what was received on it.
    pub(super) fn into_stream(self) -> (Stream, Bytes) {
        (self.stream, self.received.freeze())
    }

    /// Whether the runner has neither closed the connection nor sent anything.
    fn is_silent(&mut self, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        self.received.is_empty()
            && Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Writes more of the request. Where the client breaks off its upload, the runner is told by the end of the stream.
    fn poll_write(&mut self, client: &Client, cx: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        let outcome = ready!(self.outgoing.poll_write(&mut self.stream, client, cx));
        if let Err(UpstreamError::RequestBody(_)) = outcome {
            // If this fails, the runner has closed the connection.
            let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
        }
        Poll::Ready(outcome)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<()>, UpstreamError>> {
        loop {
            // What has just begun to arrive is parsed at once: it may be malformed.
            let new = self.received.len() - self.searched;
            if !self.received.is_empty()
                && (self.searched == 0 || may_end_in(&self.received, new))
                && let Some(head) = take_head(
                    &mut self.received,
                    &mut self.headers,
                    &mut self.fields,
                    self.outgoing.is_head(),
                )?
            {
                self.searched = 0;
                self.body = head.body;
                self.keeps_alive = head.keeps_alive;
                let mut response = Response::new(());
                *response.status_mut() = head.status;
                *response.headers_mut() = std::mem::take(&mut self.headers);
                if let Some(reason) = head.reason {
                    response.extensions_mut().insert(reason);
                }
                return Poll::Ready(Ok(response));
            }
            if self.received.len() > MAX_HEAD {
                return Poll::Ready(Err(UpstreamError::HeadTooLarge));
            }
            self.searched = self.received.len();
            if ready!(self.poll_read(cx))? == 0 {
                return Poll::Ready(Err(UpstreamError::Closed));
            }
        }
    }

    /// Receives more. 0 bytes are the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, UpstreamError>> {
        if self.received.capacity() - self.received.len() < MIN_ROOM {
            self.received.reserve(self.read_size);
        }
        let room = self.received.capacity() - self.received.len();
        let read = ready!(pin!(self.stream.read_buf(&mut self.received)).poll(cx));
        let length = read.map_err(UpstreamError::Failed)?;
        if length == room {
            self.read_size = (self.read_size * 2).min(MAX_READ);
        }
        Poll::Ready(Ok(length))
    }
}

/// Counts a step of a task. One read can bring thousands of small parts: a task that has taken as many steps as tokio grants
/// it lets the others run.
fn poll_step(cx: &mut Context<'_>) -> Poll<()> {
    poll_proceed(cx).map(|step| step.made_progress())
}

/// Whether another response follows this one.
fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}
