//! One connection to a runner, from the side that drives it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;

use super::slot::Slot;
use crate::address::Stream;

/// How much a runner may send to a client that has left. A runner that sends more has not noticed, and would not, for
/// as long as it is read: then its connection is closed, so that its next write fails.
const UNWANTED: u64 = 256 * 1024;

/// Whether a connection serves a request, and how far that is. Shared by who sends and who drives.
#[derive(Debug)]
pub(super) struct Phase(AtomicU8);

impl Phase {
    const IDLE: u8 = 0;
    const BEGUN: u8 = 1;
    const WRITTEN: u8 = 2;

    pub(super) fn idle() -> Arc<Self> {
        Arc::new(Self(AtomicU8::new(Self::IDLE)))
    }

    /// A request is about to be sent.
    pub(super) fn begin(&self) {
        self.0.store(Self::BEGUN, Ordering::Release);
    }

    /// Its response has ended.
    pub(super) fn end(&self) {
        self.0.store(Self::IDLE, Ordering::Release);
    }

    /// Some of the request has reached the runner.
    fn write(&self) {
        self.0.store(Self::WRITTEN, Ordering::Release);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Acquire) == phase
    }
}

pub(super) type Connection = http1::Connection<TokioIo<Wire>, Incoming>;

/// Drives one connection until it has ended and nobody needs it any more.
///
/// `abandoned` brings the slot of a request whose client left, or that was lost; it closes when the connection is
/// given up while it serves nothing. An abandoned request's call may still run: the slot is kept until the runner
/// closes the connection, unless nothing of the request has reached the runner (S38).
pub(super) async fn drive(
    mut connection: Connection,
    phase: Arc<Phase>,
    mut abandoned: oneshot::Receiver<Slot>,
) {
    let given_up = tokio::select! {
        biased;
        slot = &mut abandoned => Some(slot),
        _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => None,
    };
    // Only when hyper's part is gone is the one who sends told that the connection is closed.
    let wire = connection.into_parts().io.into_inner();
    let given_up = match given_up {
        Some(slot) => slot,
        None if phase.is(Phase::IDLE) => return,
        None => abandoned.await,
    };
    let Ok(slot) = given_up else { return };
    if phase.is(Phase::WRITTEN) {
        wait_until_closed(wire.stream).await;
    }
    drop(slot);
}

/// Says that nothing more comes, and waits until the runner has closed its side.
async fn wait_until_closed(mut stream: Stream) {
    // An error here and below means that the runner has closed: what was waited for.
    if stream.shutdown().await.is_ok() {
        let _ = tokio::io::copy(&mut stream.take(UNWANTED), &mut tokio::io::sink()).await;
    }
}

/// A stream that notes when something is written to it.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    phase: Arc<Phase>,
}

impl Wire {
    pub(super) const fn new(stream: Stream, phase: Arc<Phase>) -> Self {
        Self { stream, phase }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.phase.write();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
