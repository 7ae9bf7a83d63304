//! Reads responses from a connection to a runner: each head, and each body up to its end.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::task::coop::poll_proceed;

use super::decoder::{BodyDecoder, Part};
use super::error::{MAX_HEAD, UpstreamError};
use super::head::{Field, may_end_in, take_head};
use crate::connect::Stream;

/// How much is read at a time: at first, and when a response fills that again and again.
const MIN_READ: usize = 8 * 1024;
const MAX_READ: usize = 256 * 1024;

/// The least room that a read gets.
const MIN_ROOM: usize = 2 * 1024;

/// Reads the responses of one connection, one after another.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    /// What was received and not yet taken.
    received: BytesMut,
    /// How much of that has been searched for the end of a head.
    searched: usize,
    /// How many bytes have been received in all.
    total: u64,
    read_size: usize,
    body: BodyDecoder,
    /// Whether the runner keeps the connection open after the response.
    keeps_alive: bool,
    /// The fields of the next response.
    headers: HeaderMap,
    /// Only memory.
    fields: Vec<Field>,
}

impl ResponseReader {
    pub(crate) fn new() -> Self {
        Self {
            received: BytesMut::new(),
            searched: 0,
            total: 0,
            read_size: MIN_READ,
            body: BodyDecoder::Ended,
            keeps_alive: true,
            headers: HeaderMap::new(),
            fields: Vec::new(),
        }
    }

    /// Takes the memory of these headers for the fields of the next response.
    pub(super) fn reuse(&mut self, headers: HeaderMap) {
        self.headers = headers;
        self.headers.clear();
    }

    /// Whether the runner has neither closed the connection nor sent anything.
    pub(crate) fn is_silent(&self, stream: &mut Stream, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        self.received.is_empty() && Pin::new(stream).poll_read(cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// How many bytes have been received in all.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Waits for the head of the next response. `is_head` is whether the method of the request is HEAD.
    pub(crate) fn poll_head(
        &mut self,
        stream: &mut Stream,
        is_head: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, UpstreamError>> {
        loop {
            // What has just begun to arrive is parsed at once: it may be malformed.
            let new = self.received.len() - self.searched;
            if !self.received.is_empty()
                && (self.searched == 0 || may_end_in(&self.received, new))
                && let Some(head) =
                    take_head(&mut self.received, &mut self.headers, &mut self.fields, is_head)?
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
            if ready!(self.poll_read(stream, cx))? == 0 {
                return Poll::Ready(Err(UpstreamError::Closed));
            }
        }
    }

    /// Reads the next part of the response's body: `None` at its end.
    pub(crate) fn poll_frame(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        self.poll_part(stream, cx, |received, length| received.split_to(length).freeze())
    }

    /// As [`poll_frame`](Self::poll_frame), in a form that the caller chooses: `take` removes this many bytes from the buffer.
    pub(super) fn poll_part<T>(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut BytesMut, usize) -> T,
    ) -> Poll<Option<Result<Frame<T>, UpstreamError>>> {
        ready!(poll_step(cx));
        loop {
            match self.body.decode(&mut self.received)? {
                Part::Data(length) => {
                    return Poll::Ready(Some(Ok(Frame::data(take(&mut self.received, length)))));
                }
                Part::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Part::End => return Poll::Ready(None),
                Part::Incomplete => {}
            }
            if ready!(self.poll_read(stream, cx))? == 0 && !self.body.close() {
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

    /// Whether the connection can carry another exchange.
    pub(crate) fn is_reusable(&self) -> bool {
        self.keeps_alive && self.is_ended() && self.received.is_empty()
    }

    /// Drops memory that a usual response does not need.
    pub(super) fn shrink(&mut self) {
        if self.read_size > MIN_READ {
            self.read_size = MIN_READ;
            self.received = BytesMut::new();
        }
    }

    /// What was received and not yet taken.
    pub(super) fn into_received(self) -> Bytes {
        self.received.freeze()
    }

    /// Receives more. 0 bytes are the end of the stream.
    fn poll_read(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<Result<usize, UpstreamError>> {
        if self.received.capacity() - self.received.len() < MIN_ROOM {
            self.received.reserve(self.read_size);
        }
        let room = self.received.capacity() - self.received.len();
        let read = ready!(pin!(stream.read_buf(&mut self.received)).poll(cx));
        let length = read.map_err(UpstreamError::Failed)?;
        self.total += length as u64;
        // Small reads may fill what is left of the memory by chance.
        if length == room && room >= self.read_size {
            self.read_size = (self.read_size * 2).min(MAX_READ);
        }
        Poll::Ready(Ok(length))
    }
}

/// Counts a step of a task. One read can bring thousands of small parts: a task that has taken as many steps as tokio grants
/// it lets the others run.
pub(super) fn poll_step(cx: &mut Context<'_>) -> Poll<()> {
    poll_proceed(cx).map(|step| step.made_progress())
}

/// Whether another response follows this one.
pub(crate) fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn only_reads_that_fill_their_whole_size_let_it_grow_s43h() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut runner = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = Stream::Tcp(listener.accept().await.unwrap().0);
        let mut reader = ResponseReader::new();
        let mut read = async |reader: &mut ResponseReader, length: usize| {
            runner.write_all(&vec![b'x'; length]).await.unwrap();
            assert_eq!(poll_fn(|cx| reader.poll_read(&mut stream, cx)).await.unwrap(), length);
            drop(reader.received.split());
        };
        for _ in 0..10 {
            read(&mut reader, 6_000).await;
            let left = reader.received.capacity();
            assert!(left >= MIN_ROOM, "{left}");
            read(&mut reader, left).await;
            assert_eq!(reader.read_size, MIN_READ);
        }
        read(&mut reader, MIN_READ).await;
        assert_eq!(reader.read_size, 2 * MIN_READ);
    }
}
