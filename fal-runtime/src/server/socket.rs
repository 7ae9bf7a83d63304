//! The socket of a connection, which can outlive the connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket, of either kind.
#[derive(Debug)]
pub(super) enum TransportStream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A connection's socket, which its [`SocketKeeper`] keeps open after hyper has let go of it.
///
/// When a client goes away hyper drops the connection, and with it the future of the call that runs. A blocking call
/// runs on: until it returns, whoever sent it has to see the connection open, since that is how the host knows that
/// the call still has its place (S38). So a dropped socket is not closed but handed to the keeper, and is closed when
/// the last hold on that is gone. Nothing of this costs a call anything.
#[derive(Debug)]
pub(super) struct Socket {
    /// Taken only when dropped.
    stream: Option<TransportStream>,
    keeper: Arc<SocketKeeper>,
}

/// Keeps a connection's socket open for as long as it is referred to.
#[derive(Debug, Default)]
pub(super) struct SocketKeeper(Mutex<Option<TransportStream>>);

impl Socket {
    pub(super) fn new(stream: TransportStream) -> Self {
        Self { stream: Some(stream), keeper: Arc::default() }
    }

    /// What a hold on this connection consists of.
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
        // Neither kind of socket buffers.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing does it, and that is not before every hold is gone.
        Poll::Ready(Ok(()))
    }
}
