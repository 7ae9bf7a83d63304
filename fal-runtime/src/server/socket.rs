//! The socket of a connection, which can outlive the connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::closing_socket::ClosingSocket;
use super::concurrency::SwitchedPermit;
use super::transport_stream::TransportStream;

/// A connection's socket. Its [`SocketKeeper`] keeps it open after hyper has dropped it.
///
/// When a client disconnects, hyper drops the connection and with it the future of the call. A blocking call runs
/// on. Until it returns, the host must see the connection open, since that tells it that the call still holds its
/// permit (S38). So a dropped socket is handed to the keeper, which starts to close it when the last hold on that is
/// dropped.
#[derive(Debug)]
pub(super) struct Socket {
    /// `None` only during the drop.
    stream: Option<TransportStream>,
    keeper: Arc<SocketKeeper>,
    /// What the drop of the socket releases. It is dropped after the keeper: it wakes the connection's task, which looks for the
    /// closing socket at once.
    switched: Option<Switched>,
}

/// Keeps a connection's socket open while it is referenced.
#[derive(Debug)]
pub(super) struct SocketKeeper {
    kept: Mutex<Kept>,
    closing: Option<oneshot::Sender<ClosingSocket>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// A socket that hyper has dropped.
    dropped: Option<TransportStream>,
    /// Set while the socket speaks another protocol.
    switched: Option<Switched>,
}

/// What the socket of a connection that has switched protocols releases when it is dropped.
#[derive(Debug)]
struct Switched {
    _permit: Option<SwitchedPermit>,
    ended: Option<oneshot::Sender<()>>,
}

impl SocketKeeper {
    /// Keeps the permit of a call that switches protocols until the socket is dropped.
    pub(super) fn switch(&self, permit: Option<SwitchedPermit>) {
        self.lock().switched = Some(Switched { _permit: permit, ended: None });
    }

    /// Resolves when the socket is dropped. `None` if it speaks no other protocol.
    pub(super) fn end_of_switched(&self) -> Option<oneshot::Receiver<()>> {
        let (sender, ended) = oneshot::channel();
        self.lock().switched.as_mut()?.ended = Some(sender);
        Some(ended)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SocketKeeper {
    fn drop(&mut self) {
        let kept = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(closing) = kept.dropped.take().and_then(ClosingSocket::begin)
            && let Some(connection) = self.closing.take()
        {
            // Without a task that receives it the socket is closed.
            let _ = connection.send(closing);
        }
    }
}

impl Socket {
    /// A socket, and where it arrives when its last hold was dropped and its client may still send.
    pub(super) fn new(stream: TransportStream) -> (Self, oneshot::Receiver<ClosingSocket>) {
        let (sender, closing) = oneshot::channel();
        let keeper = SocketKeeper { kept: Mutex::default(), closing: Some(sender) };
        (Self { stream: Some(stream), keeper: Arc::new(keeper), switched: None }, closing)
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
        let mut kept = self.keeper.lock();
        kept.dropped = self.stream.take();
        self.switched = kept.switched.take();
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
        // The keeper does so after the last hold.
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Wake, Waker};

    use tokio::net::UnixStream;

    use super::*;

    /// Receives the closing socket at the moment of the wake, as a task on another thread may.
    #[derive(Debug)]
    struct ReceivesAtOnce {
        closing: Mutex<oneshot::Receiver<ClosingSocket>>,
        received: Mutex<Option<ClosingSocket>>,
    }

    impl Wake for ReceivesAtOnce {
        fn wake(self: Arc<Self>) {
            *self.received.lock().unwrap() = self.closing.lock().unwrap().try_recv().ok();
        }
    }

    #[tokio::test]
    async fn a_task_that_a_switched_socket_wakes_at_its_end_finds_it_closing_s70b_s43j() {
        let (_client, stream) = UnixStream::pair().unwrap();
        let (socket, closing) = Socket::new(TransportStream::Unix(stream));
        let keeper = socket.keeper();
        keeper.switch(None);
        let mut ended = pin!(keeper.end_of_switched().unwrap());
        drop(keeper);
        let task = Arc::new(ReceivesAtOnce { closing: Mutex::new(closing), received: Mutex::default() });
        let waker = Waker::from(Arc::clone(&task));
        assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(socket);
        assert!(task.received.lock().unwrap().is_some());
    }
}
