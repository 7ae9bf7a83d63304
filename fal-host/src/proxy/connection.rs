//! One connection to a runner, from the side that drives it.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;

use crate::connect::Stream;

/// How much a runner may send to a client that has left, in bytes. A runner that sends more has not noticed: then its
/// connection is closed, so that its next write fails.
const MAX_UNWANTED: u64 = 256 * 1024;

/// Whether anything of a request was written. Shared by the sender and the driver of a connection.
#[derive(Debug)]
pub(super) struct WriteState {
    phase: AtomicU8,
    closing: Mutex<()>,
}

impl WriteState {
    const IDLE: u8 = 0;
    const BEGUN: u8 = 1;
    const WRITTEN: u8 = 2;

    pub(super) const fn new() -> Self {
        Self { phase: AtomicU8::new(Self::IDLE), closing: Mutex::new(()) }
    }

    /// A request is about to be sent.
    pub(super) fn begin(&self) {
        self.phase.store(Self::BEGUN, Ordering::Release);
    }

    /// Some of the request has reached the runner.
    fn write(&self) {
        self.phase.store(Self::WRITTEN, Ordering::Release);
    }

    /// The response has ended.
    pub(super) fn end(&self) {
        self.phase.store(Self::IDLE, Ordering::Release);
    }

    fn is(&self, phase: u8) -> bool {
        self.phase.load(Ordering::Acquire) == phase
    }

    /// Locks out the other side while a request is handed to hyper, and while hyper's part of the connection is taken
    /// down. A request handed over in the middle of that would neither be sent nor come back (hyper's issue 4122).
    pub(super) fn exclude(&self) -> MutexGuard<'_, ()> {
        self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) type Connection = http1::Connection<TokioIo<TrackedStream>, Incoming>;

/// What is kept until a runner has closed the connection of an abandoned request. Dropping it releases it.
pub(super) struct Guard(#[expect(dead_code, reason = "only its drop matters")] Box<dyn Any + Send>);

impl Guard {
    pub(super) fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// Drives one connection until it has ended and is no longer in use.
///
/// `abandoned` receives the guard of a request that is given up; it closes when the connection is closed while idle. An
/// abandoned request's call may still run: the guard is kept until the runner closes the connection, unless nothing of
/// the request has reached the runner (S38).
pub(super) async fn drive(
    mut connection: Connection,
    state: Arc<WriteState>,
    mut abandoned: oneshot::Receiver<Guard>,
) {
    let guard = tokio::select! {
        biased;
        guard = &mut abandoned => Some(guard),
        _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => None,
    };
    // The sender is told that the connection is closed only when hyper's part is gone.
    let wire = take_down(connection, &state);
    let guard = match guard {
        Some(guard) => guard,
        None if state.is(WriteState::IDLE) => return,
        None => abandoned.await,
    };
    let Ok(guard) = guard else { return };
    if state.is(WriteState::WRITTEN) {
        wait_until_closed(wire.stream).await;
    }
    drop(guard);
}

fn take_down(connection: Connection, state: &WriteState) -> TrackedStream {
    let _excluded = state.exclude();
    connection.into_parts().io.into_inner()
}

/// Half-closes the connection, and waits until the runner has closed its side.
async fn wait_until_closed(mut stream: Stream) {
    // An error here and below means that the runner has closed.
    if stream.shutdown().await.is_ok() {
        let _ = tokio::io::copy(&mut stream.take(MAX_UNWANTED), &mut tokio::io::sink()).await;
    }
}

/// A stream that records that something was written to it.
#[derive(Debug)]
pub(super) struct TrackedStream {
    stream: Stream,
    state: Arc<WriteState>,
}

impl TrackedStream {
    pub(super) const fn new(stream: Stream, state: Arc<WriteState>) -> Self {
        Self { stream, state }
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.state.write();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
