//! A connection for checks, which knows whether the runner has sent anything on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use fal_health::Failure;
use fal_health::protocol::Address;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect::{Stream, connect, is_own_shortage};

/// A connection to a runner.
#[derive(Debug)]
pub(super) struct ProbeConnection {
    pub(super) sender: http1::SendRequest<Empty<Bytes>>,
    /// How many bytes of the current exchange.
    received: Arc<AtomicUsize>,
}

/// How much one exchange may receive. What a passing check needs is less ([`MAX_BODY`](super::MAX_BODY)). A runner could send
/// interim responses without end, and the host would do nothing else than read them.
const MAX_RECEIVED: usize = 512 * 1024;

/// Why a connection could not be opened.
pub(super) enum ConnectError {
    /// The host has no descriptor, memory or buffer for it (S20).
    OwnShortage,
    /// The second field says why.
    Failure(Failure, String),
}

/// How an exchange over an open connection failed.
pub(super) enum ExchangeError {
    /// The connection ended before the first byte of the response (S19).
    NoResponse,
    /// The second field says why.
    Failure(Failure, String),
}

impl ProbeConnection {
    pub(super) async fn open(address: &Address) -> Result<Self, ConnectError> {
        let stream = connect(address).await.map_err(|error| {
            if is_own_shortage(&error) {
                ConnectError::OwnShortage
            } else {
                ConnectError::Failure(Failure::Connect, error.to_string())
            }
        })?;
        let received = Arc::<AtomicUsize>::default();
        let io = TokioIo::new(ReadTracker { stream, received: Arc::clone(&received) });
        let (sender, connection) = http1::handshake(io)
            .await
            .map_err(|error| ConnectError::Failure(Failure::Disconnected, chain(&error)))?;
        // It runs on the same thread as the check. On another thread, hyper could take a request while the connection
        // closes, and neither send nor return it (hyper issue 4122).
        tokio::spawn(async move {
            // The exchange returns the same error.
            let _ = connection.await;
        });
        Ok(Self { sender, received })
    }

    /// Whether the connection can carry another exchange. Waits until the last one has ended.
    pub(super) async fn is_reusable(&mut self) -> bool {
        let reusable = self.sender.ready().await.is_ok();
        self.received.store(0, Ordering::Relaxed);
        reusable
    }

    pub(super) fn classify(&self, error: &hyper::Error) -> ExchangeError {
        if is_malformed(error) {
            ExchangeError::Failure(Failure::Malformed, chain(error))
        } else if self.received.load(Ordering::Relaxed) > 0 {
            ExchangeError::Failure(Failure::Disconnected, chain(error))
        } else {
            ExchangeError::NoResponse
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &hyper::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn is_malformed(error: &hyper::Error) -> bool {
    // For wrong body framing, hyper returns an I/O error of one of these kinds.
    let framing =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(
            |source| matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData),
        );
    error.is_parse() || framing
}

/// Counts what has been read.
#[derive(Debug)]
struct ReadTracker {
    stream: Stream,
    received: Arc<AtomicUsize>,
}

impl AsyncRead for ReadTracker {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received.load(Ordering::Relaxed) > MAX_RECEIVED {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.received.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
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
