//! One connection to a runner. It has no task: the request that uses it polls it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::request_body::RequestBody;
use crate::Address;
use crate::connect::{Stream, connect};

/// How much a runner may send to a client that has left, in bytes, and for how long from the first byte. A runner that
/// sends more has not noticed: then its connection is closed, so that its next write fails.
const MAX_UNWANTED: usize = 256 * 1024;
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(1);

/// How many fields the head of a response may have.
pub(super) const MAX_RESPONSE_FIELDS: usize = 256;

/// A connection to a runner. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Upstream {
    sender: SendRequest<RequestBody>,
    state: State,
    progress: Arc<Progress>,
    /// How long the runner keeps an idle connection, if it says so.
    pub(super) keep_alive: Option<Duration>,
    /// The tick at which it became idle.
    pub(super) idle_since: u64,
}

/// What was written of the current request.
#[derive(Debug, Default)]
struct Progress {
    /// Something of it has reached the runner.
    written: AtomicBool,
    /// The rest of it cannot be written.
    broken: AtomicBool,
}

#[derive(Debug)]
enum State {
    Open(Box<http1::Connection<TokioIo<UpstreamStream>, RequestBody>>),
    /// hyper will not use the connection again. What it has read and not parsed is the second.
    Ended(UpstreamStream, Bytes),
    /// Only within [`Upstream::poll_drive`].
    Moved,
}

/// What became of a request that was sent.
pub(super) type Sent = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

impl Upstream {
    /// Opens a connection to a runner.
    pub(super) async fn open(address: &Address) -> io::Result<Self> {
        let progress = Arc::<Progress>::default();
        let stream = UpstreamStream { stream: connect(address).await?, progress: Arc::clone(&progress) };
        // Messages are mostly small: one copy into one buffer costs less than a vectored write.
        let (sender, connection) = http1::Builder::new()
            .writev(false)
            .max_headers(MAX_RESPONSE_FIELDS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            state: State::Open(Box::new(connection)),
            progress,
            keep_alive: None,
            idle_since: 0,
        })
    }

    /// Lets the connection read and write what it can. Must be polled while the connection serves a request.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) {
        if let State::Open(connection) = &mut self.state
            && connection.poll_without_shutdown(cx).is_ready()
            && let State::Open(connection) = std::mem::replace(&mut self.state, State::Moved)
        {
            // hyper tells the sender, and returns a request that it has not begun to send.
            let parts = connection.into_parts();
            self.state = State::Ended(parts.io.into_inner(), parts.read_buf);
        }
    }

    /// Whether an idle connection can take a request: the runner has not closed it.
    #[cfg(test)]
    pub(super) async fn is_alive(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            self.poll_drive(cx);
            Poll::Ready(())
        })
        .await;
        self.is_ready()
    }

    /// Whether the connection is idle and can take a request.
    pub(super) fn is_ready(&self) -> bool {
        let is_open = matches!(self.state, State::Open(_)) && !self.progress.broken.load(Ordering::Relaxed);
        is_open && self.sender.is_ready()
    }

    /// Sends a request. Poll the future by [`poll_sent`](Self::poll_sent).
    ///
    /// hyper reads before it writes: if the runner has closed an idle connection, it gives the request back unsent.
    pub(super) fn send(&mut self, request: Request<RequestBody>) -> impl Future<Output = Sent> + use<> {
        self.progress.written.store(false, Ordering::Relaxed);
        self.sender.try_send_request(request)
    }

    /// Drives the connection until the head of the response has arrived.
    ///
    /// hyper completes `sent` only while the connection is driven, which the line above has just done. So it needs no
    /// waker, and the task is not woken for what it already knows.
    pub(super) fn poll_sent(
        &mut self,
        sent: Pin<&mut impl Future<Output = Sent>>,
        cx: &mut Context<'_>,
    ) -> Poll<Sent> {
        self.poll_drive(cx);
        sent.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// The stream of a connection that has switched protocols, and what was read of it after that.
    pub(super) fn into_switched(self) -> Option<(UpstreamStream, Bytes)> {
        match self.state {
            State::Ended(stream, received) => Some((stream, received)),
            State::Open(_) | State::Moved => None,
        }
    }

    /// Closes hyper's part of the connection of a request that is given up.
    pub(super) fn into_stream(self) -> Option<UpstreamStream> {
        match self.state {
            State::Open(connection) => Some(connection.into_parts().io.into_inner()),
            State::Ended(stream, _) => Some(stream),
            State::Moved => None,
        }
    }
}

/// A stream that records whether anything was written to it, and reads on when writing has failed: a response that has
/// arrived counts more than the rest of its request.
#[derive(Debug)]
pub(super) struct UpstreamStream {
    stream: Stream,
    progress: Arc<Progress>,
}

impl UpstreamStream {
    /// Whether anything of a request has reached the runner.
    pub(super) fn is_written(&self) -> bool {
        self.progress.written.load(Ordering::Relaxed)
    }

    /// Half-closes the connection and waits until the runner has closed its side, or has sent for too long.
    pub(super) async fn wait_until_closed(mut self) {
        // An error here and below means that the runner has closed.
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let (mut unwanted, mut received) = (vec![0; 8 * 1024], 0);
        let mut deadline = None;
        while received < MAX_UNWANTED {
            let read = self.stream.read(&mut unwanted);
            let read = match deadline {
                None => read.await,
                Some(deadline) => match timeout_at(deadline, read).await {
                    Ok(read) => read,
                    Err(_) => return,
                },
            };
            match read {
                Ok(0) | Err(_) => return,
                Ok(length) => received += length,
            }
            deadline.get_or_insert_with(|| Instant::now() + UNWANTED_TIMEOUT);
        }
    }
}

impl AsyncRead for UpstreamStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.progress.broken.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(buf.len()));
        }
        match ready!(Pin::new(&mut self.stream).poll_write(cx, buf)) {
            Ok(length) => {
                self.progress.written.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(length))
            }
            // Before anything was written, no response can have arrived.
            Err(error) if !self.is_written() => Poll::Ready(Err(error)),
            Err(_) => {
                self.progress.broken.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(buf.len()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
