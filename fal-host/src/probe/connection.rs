//! A connection for checks, which knows whether the runner has sent anything on it.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use fal_health::Failure;
use fal_health::protocol::Address;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect::{Stream, connect, is_own_shortage};

/// A connection to a runner that serves no check at the moment: the stream alone, because the buffers of an HTTP connection
/// take 16 KiB.
#[derive(Debug)]
pub(super) struct IdleConnection(ReadTracker);

/// A connection to a runner during one check. It has no task: the check drives it.
pub(super) struct ProbeConnection {
    pub(super) sender: http1::SendRequest<Empty<Bytes>>,
    connection: http1::Connection<TokioIo<ReadTracker>, Empty<Bytes>>,
    has_ended: bool,
    received: Arc<AtomicBool>,
}

/// Why a connection could not be opened.
pub(super) enum ConnectError {
    /// The host has no descriptor, memory or buffer for it (S20).
    OwnShortage,
    Failure(Failure),
}

/// How an exchange over an open connection failed.
pub(super) enum ExchangeError {
    /// The connection ended before the first byte of the response (S19).
    NoResponse,
    Failure(Failure),
}

impl IdleConnection {
    pub(super) async fn open(address: &Address) -> Result<Self, ConnectError> {
        let stream = connect(address).await.map_err(|error| {
            if is_own_shortage(&error) {
                ConnectError::OwnShortage
            } else {
                ConnectError::Failure(Failure::Connect)
            }
        })?;
        Ok(Self(ReadTracker { stream, received: Arc::default() }))
    }

    /// Whether the runner has neither closed the connection nor sent anything on it since the last check.
    pub(super) fn is_reusable(&self) -> bool {
        // The system knows more than the reactor, which learns of it only when its thread waits.
        let peeked = recv(self.0.stream.as_fd(), &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        peeked.is_err_and(|error| error == Errno::WOULDBLOCK)
    }

    /// Begins a check on the connection.
    pub(super) async fn begin(self) -> Result<ProbeConnection, ConnectError> {
        let received = Arc::clone(&self.0.received);
        received.store(false, Ordering::Relaxed);
        let (sender, connection) = http1::Builder::new()
            .writev(false)
            .handshake(TokioIo::new(self.0))
            .await
            .map_err(|_| ConnectError::Failure(Failure::Disconnected))?;
        Ok(ProbeConnection { sender, connection, has_ended: false, received })
    }
}

impl ProbeConnection {
    /// Waits for a step of the exchange, while the connection sends and receives what it needs.
    pub(super) async fn drive<T>(&mut self, step: impl Future<Output = T>) -> T {
        let mut step = pin!(step);
        poll_fn(|cx| {
            self.poll(cx);
            step.as_mut().poll(cx)
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        // The exchange gets the same error.
        self.has_ended = self.has_ended || self.connection.poll_without_shutdown(cx).is_ready();
    }

    /// Ends the check. `None` if the connection cannot be used again.
    pub(super) async fn finish(mut self) -> Option<IdleConnection> {
        poll_fn(|cx| {
            self.poll(cx);
            Poll::Ready(())
        })
        .await;
        if self.has_ended || !self.sender.is_ready() {
            return None;
        }
        let parts = self.connection.into_parts();
        parts.read_buf.is_empty().then(|| IdleConnection(parts.io.into_inner()))
    }

    pub(super) fn classify(&self, error: &hyper::Error) -> ExchangeError {
        if is_malformed(error) {
            ExchangeError::Failure(Failure::Malformed)
        } else if self.received.load(Ordering::Relaxed) {
            ExchangeError::Failure(Failure::Disconnected)
        } else {
            ExchangeError::NoResponse
        }
    }
}

fn is_malformed(error: &hyper::Error) -> bool {
    // For wrong body framing, hyper returns an I/O error of one of these kinds.
    let framing =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(
            |source| matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData),
        );
    error.is_parse() || framing
}

/// Records whether anything has been read.
#[derive(Debug)]
struct ReadTracker {
    stream: Stream,
    received: Arc<AtomicBool>,
}

impl AsyncRead for ReadTracker {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.received.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for ReadTracker {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
