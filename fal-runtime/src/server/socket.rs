//! The socket of a connection, which can outlive the connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket, TCP or Unix.
#[derive(Debug)]
pub(super) enum TransportStream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A connection's socket. Its [`SocketKeeper`] keeps it open after hyper has dropped it.
///
/// When a client disconnects, hyper drops the connection and with it the future of the call. A blocking call runs
/// on. Until it returns, the host must see the connection open, since that tells it that the call still holds its
/// permit (S38). So a dropped socket is handed to the keeper, and closed when the last hold on that is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    /// `None` only during the drop.
    stream: Option<TransportStream>,
    keeper: Arc<SocketKeeper>,
}

/// Keeps a connection's socket open while it is referenced.
#[derive(Debug, Default)]
pub(super) struct SocketKeeper(Mutex<Option<TransportStream>>);

impl Socket {
    pub(super) fn new(stream: TransportStream) -> Self {
        Self { stream: Some(stream), keeper: Arc::default() }
    }

    /// The keeper, for holds on this connection.
    pub(super) fn keeper(&self) -> Arc<SocketKeeper> {
        Arc::clone(&self.keeper)
    }

    fn stream(self: Pin<&mut Self>) -> io::Result<&mut TransportStream> {
        self.get_mut().stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        *self.keeper.0.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.stream()? {
            TransportStream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            TransportStream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.stream()? {
            TransportStream::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            TransportStream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets do not buffer.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The close after the last hold shuts it down.
        Poll::Ready(Ok(()))
    }
}
