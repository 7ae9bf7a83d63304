//! One connection to a runner, from the side that drives it.

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

use super::slot::Slot;
use crate::address::Stream;

/// How much a runner may send to a client that has left. A runner that sends more has not noticed, and would not, for
/// as long as it is read: then its connection is closed, so that its next write fails.
const UNWANTED: u64 = 256 * 1024;

/// What the one who sends and the one who drives share.
#[derive(Debug)]
pub(super) struct Link {
    phase: AtomicU8,
    closing: Mutex<()>,
}

impl Link {
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

    /// Held while a request is handed to hyper, and while hyper's part of the connection is taken down. A request
    /// handed over in the middle of that would neither be sent nor come back (hyper's issue 4122).
    pub(super) fn exclude(&self) -> MutexGuard<'_, ()> {
        self.closing.lock().unwrap_or_else(PoisonError::into_inner)
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
    link: Arc<Link>,
    mut abandoned: oneshot::Receiver<Slot>,
) {
    let given_up = tokio::select! {
        biased;
        slot = &mut abandoned => Some(slot),
        _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => None,
    };
    // Only when hyper's part is gone is the one who sends told that the connection is closed.
    let wire = take_down(connection, &link);
    let given_up = match given_up {
        Some(slot) => slot,
        None if link.is(Link::IDLE) => return,
        None => abandoned.await,
    };
    let Ok(slot) = given_up else { return };
    if link.is(Link::WRITTEN) {
        wait_until_closed(wire.stream).await;
    }
    drop(slot);
}

fn take_down(connection: Connection, link: &Link) -> Wire {
    let _excluded = link.exclude();
    connection.into_parts().io.into_inner()
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
    link: Arc<Link>,
}

impl Wire {
    pub(super) const fn new(stream: Stream, link: Arc<Link>) -> Self {
        Self { stream, link }
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
        self.link.write();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
