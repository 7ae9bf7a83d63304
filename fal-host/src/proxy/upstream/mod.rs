//! One connection to a runner, which speaks HTTP/1.1. It has no task: the request that uses it polls it.
//!
//! [`outgoing`] writes the request. [`reader`] reads the response: [`head`] parses its head, [`framing`] decides where its body
//! ends, and [`decoder`] reads that. hyper's client would cost more than all of the rest of a request: it is a state machine of its own,
//! with a channel for each message.

mod decoder;
mod error;
mod framing;
mod head;
mod outgoing;
mod reader;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::AsyncWrite;

use error::MAX_INTERIM;
pub(crate) use error::UpstreamError;
pub(super) use outgoing::{AddedFields, Outgoing};
use reader::poll_step;
pub(crate) use reader::{ResponseReader, is_interim};

use super::client::Client;
use super::request_body::RequestBody;
use super::response_head::write_interim;
use super::send_queue::unread;
use super::thread::ThreadIndex;
use crate::Address;
use crate::connect::{Stream, connect};

/// A connection to a runner. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Upstream {
    stream: Stream,
    /// The thread whose requests have opened it. Only that thread is woken by what arrives.
    pub(super) thread: ThreadIndex,
    outgoing: Outgoing,
    reader: ResponseReader,
    /// How long the runner keeps an idle connection, if it says so.
    pub(super) keep_alive: Option<Duration>,
    /// The tick at which it became idle.
    pub(super) idle_since: u64,
    /// How many interim responses have preceded the response.
    interim: u32,
}

impl Upstream {
    /// Opens a connection to a runner.
    pub(super) async fn open(address: &Address, thread: ThreadIndex) -> io::Result<Box<Self>> {
        Ok(Box::new(Self {
            stream: connect(address).await?,
            thread,
            outgoing: Outgoing::default(),
            reader: ResponseReader::new(),
            keep_alive: None,
            idle_since: 0,
            interim: 0,
        }))
    }

    /// Begins a request. Nothing is written before [`poll_response`](Self::poll_response). The memory of its headers is used for
    /// the response, unless it may be sent once more.
    pub(super) fn begin(&mut self, request: &mut Request<RequestBody>, added: AddedFields<'_>) {
        let keeps_headers = request.body().has_copy();
        self.outgoing.encode(request, added);
        if !keeps_headers {
            self.reader.reuse(std::mem::take(request.headers_mut()));
        }
    }

    /// Begins a request of which nothing was written to another connection.
    pub(super) fn begin_again(&mut self, outgoing: Outgoing) {
        self.outgoing = outgoing;
    }

    /// Lets the write of the request be deferred.
    pub(super) const fn allow_deferral(&mut self) {
        self.outgoing.allow_deferral();
    }

    /// Whether the write of the request is deferred.
    pub(super) fn is_deferred(&self) -> bool {
        self.outgoing.is_deferred()
    }

    /// The write of the request is not deferred any longer.
    pub(super) const fn end_deferral(&mut self) {
        self.outgoing.end_deferral();
    }

    /// Performs the deferred write, unless the runner may have closed the connection. Returns whether nothing is left to write.
    pub(super) fn write_deferred(&mut self) -> bool {
        !self.stream.may_read() && self.outgoing.write_deferred(&mut self.stream)
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
    pub(super) const fn has_begun(&self) -> bool {
        self.outgoing.has_begun()
    }

    /// How many bytes of the request have been written.
    pub(super) const fn written(&self) -> u64 {
        self.outgoing.written()
    }

    /// How many bytes of them the runner has not read, as far as the system tells.
    pub(super) fn unread(&self) -> u64 {
        unread(&self.stream)
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
        if begins && !self.reader.is_silent(&mut self.stream, cx) {
            return Poll::Ready(Err(UpstreamError::Closed));
        }
        loop {
            let failed = match self.poll_write(client, cx) {
                Poll::Ready(outcome) => outcome.err(),
                Poll::Pending => None,
            };
            // A response that has arrived counts more than a request that cannot be written (S43f).
            // While the connection is silent, there is none, and the look at it has registered the task.
            let may_read = self.has_begun() && (!begins || failed.is_some() || self.outgoing.is_broken());
            let head = if may_read {
                self.reader.poll_head(&mut self.stream, self.outgoing.is_head(), cx)
            } else {
                Poll::Pending
            };
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
                    client.interim.send(&write_interim(response.status(), response.headers()));
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

    /// Writes the rest of the request, and reads the next part of the response's body: `None` at its end. `take` removes
    /// this many bytes from the buffer.
    pub(super) fn poll_part<T>(
        &mut self,
        client: &Client,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut BytesMut, usize) -> T,
    ) -> Poll<Option<Result<Frame<T>, UpstreamError>>> {
        if !self.outgoing.is_complete() {
            // If the client breaks off its upload now, the response still counts.
            let _ = self.poll_write(client, cx);
        }
        self.reader.poll_part(&mut self.stream, cx, take)
    }

    /// Whether the whole response was taken.
    pub(super) const fn is_ended(&self) -> bool {
        self.reader.is_ended()
    }

    /// How much of the response's body follows.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.reader.size_hint()
    }

    /// Prepares the connection for the next request. Returns whether it can take one.
    pub(super) fn finish(&mut self) -> bool {
        let is_reusable =
            self.reader.is_reusable() && self.outgoing.is_complete() && !self.outgoing.is_broken();
        if is_reusable {
            self.interim = 0;
            self.outgoing.shrink();
            self.reader.shrink();
        }
        is_reusable
    }

    /// Whether an idle connection can take a request: the runner has not closed it.
    #[cfg(test)]
    pub(super) fn is_alive(&mut self) -> bool {
        self.reader.is_silent(&mut self.stream, &mut Context::from_waker(std::task::Waker::noop()))
    }

    /// The stream of a connection that is given up, or that has switched protocols, and what was received on it.
    pub(super) fn into_stream(self) -> (Stream, Bytes) {
        (self.stream, self.reader.into_received())
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
}
