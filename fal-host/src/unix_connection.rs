//! A connection to a Unix socket that waits for room to write only after a write has blocked.

use std::future::{Ready, ready as completed};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, shutdown, socket_with,
};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::task::coop::poll_proceed;

/// A connection to a Unix socket. One task polls both of its directions. Where another one writes and has to wait, it wakes that task.
///
/// Whenever the peer of a Unix socket has read something, the kernel reports room to write. With tokio's own stream that is an
/// event, and often a wake-up of the process, for each request.
#[derive(Debug)]
pub(crate) enum UnixConnection {
    /// No write has blocked: only what arrives is an event.
    Reading(AsyncFd<OwnedFd>),
    /// A write has blocked.
    Both(UnixStream),
    /// A write has blocked, and the socket could not be registered again.
    Failed,
}

impl UnixConnection {
    /// Connects to the socket at `path`. A full backlog is [`io::ErrorKind::WouldBlock`]: this kind of socket connects at once, or
    /// not at all.
    pub(crate) fn connect(path: &Path) -> Ready<io::Result<Self>> {
        completed(Self::open(path))
    }

    fn open(path: &Path) -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        #[expect(unsafe_code, reason = "registering a descriptor has no safe form")]
        // SAFETY: an `OwnedFd` is open until it is dropped, always has the same number, and moves in here.
        let registered = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self::Reading(registered))
    }

    /// Whether something has arrived, or the peer has closed its side.
    pub(crate) fn may_read(&self) -> bool {
        match self {
            Self::Reading(socket) => socket.try_io(Interest::READABLE, |_| Ok(())).is_ok(),
            Self::Both(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            Self::Failed => true,
        }
    }

    /// The socket, unless it could not be registered again.
    pub(crate) fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Reading(socket) => Some(socket.as_fd()),
            Self::Both(stream) => Some(stream.as_fd()),
            Self::Failed => None,
        }
    }

    /// Registers the socket again, for both directions.
    fn wait_for_room(&mut self) -> io::Result<()> {
        if let Self::Reading(socket) = std::mem::replace(self, Self::Failed) {
            let socket = StdUnixStream::from(socket.into_inner());
            *self = Self::Both(UnixStream::from_std(socket)?);
        }
        Ok(())
    }
}

impl AsyncRead for UnixConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Reading(socket) => receive(socket, cx, buf),
            Self::Both(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Failed => Poll::Ready(Err(Errno::NOTCONN.into())),
        }
    }
}

impl AsyncWrite for UnixConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let connection = self.get_mut();
        let socket = match connection {
            Self::Reading(socket) => socket,
            Self::Both(stream) => return Pin::new(stream).poll_write(cx, buf),
            Self::Failed => return Poll::Ready(Err(Errno::NOTCONN.into())),
        };
        let step = ready!(poll_proceed(cx));
        match send(socket, buf, SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN) => {
                connection.wait_for_room()?;
                // The first registration knew the waker of a read that waits. The task polls both directions once more.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            outcome => {
                step.made_progress();
                Poll::Ready(outcome.map_err(Into::into))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Reading(socket) => Poll::Ready(shutdown(socket, Shutdown::Write).map_err(Into::into)),
            Self::Both(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Failed => Poll::Ready(Ok(())),
        }
    }
}

/// Receives once. If there was less than room for, the rest is an event: the socket is edge-triggered.
fn receive(socket: &AsyncFd<OwnedFd>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    loop {
        let mut readiness = ready!(socket.poll_read_ready(cx))?;
        #[expect(unsafe_code, reason = "tokio lends memory that is not initialized")]
        // SAFETY: `recv` only writes initialized bytes.
        let room = unsafe { buf.unfilled_mut() };
        let most = room.len();
        match recv(socket, room, RecvFlags::empty()) {
            Ok((_, length)) => {
                if 0 < length && length < most {
                    readiness.clear_ready();
                }
                #[expect(unsafe_code, reason = "tokio lends memory that is not initialized")]
                // SAFETY: `recv` has initialized the first `length` bytes.
                unsafe {
                    buf.assume_init(length);
                }
                buf.advance(length);
                return Poll::Ready(Ok(()));
            }
            Err(Errno::AGAIN) => readiness.clear_ready(),
            Err(error) => return Poll::Ready(Err(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn connected() -> (UnixConnection, StdUnixStream) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let connection = UnixConnection::connect(&path).await.unwrap();
        (connection, listener.accept().unwrap().0)
    }

    /// More than the buffer of a socket holds.
    fn large() -> Vec<u8> {
        (0..4 * 1024 * 1024_u32).map(|byte| byte.to_le_bytes()[1]).collect()
    }

    #[tokio::test]
    async fn a_message_and_its_response_take_no_second_registration() {
        let (mut connection, peer) = connected().await;
        peer.set_nonblocking(true).unwrap();
        let mut peer = UnixStream::from_std(peer).unwrap();
        let mut received = [0; 4];
        for _ in 0..3 {
            connection.write_all(b"ping").await.unwrap();
            peer.read_exact(&mut received).await.unwrap();
            peer.write_all(b"pong").await.unwrap();
            connection.read_exact(&mut received).await.unwrap();
            assert_eq!(&received, b"pong");
        }
        assert!(matches!(connection, UnixConnection::Reading(_)));
    }

    #[tokio::test]
    async fn a_write_that_has_blocked_goes_on_when_the_peer_reads() {
        let (mut connection, peer) = connected().await;
        peer.set_nonblocking(true).unwrap();
        let mut peer = UnixStream::from_std(peer).unwrap();
        let (body, mut received) = (large(), Vec::new());
        let send = async {
            connection.write_all(&body).await.unwrap();
            connection.shutdown().await.unwrap();
        };
        let exchange = async { tokio::join!(send, peer.read_to_end(&mut received)).1.unwrap() };
        timeout(PATIENCE, exchange).await.unwrap();
        assert!(received == body, "every byte arrives once, in order");
        assert!(matches!(connection, UnixConnection::Both(_)));
        peer.write_all(b"late").await.unwrap();
        drop(peer);
        let mut response = String::new();
        timeout(PATIENCE, connection.read_to_string(&mut response)).await.unwrap().unwrap();
        assert_eq!(response, "late");
    }

    #[tokio::test]
    async fn what_arrives_while_a_write_is_blocked_wakes_the_task() {
        let (connection, mut peer) = connected().await;
        let (mut from, mut to) = split(connection);
        // A task of its own: a timeout that ends polls what it limits once more.
        let exchange = tokio::spawn(async move {
            let (large, mut byte) = (large(), [0]);
            tokio::select! {
                biased;
                read = from.read_exact(&mut byte) => read.unwrap(),
                _ = to.write_all(&large) => panic!("the peer reads nothing"),
                () = async { peer.write_all(b"x").unwrap(); std::future::pending().await } => 0,
            }
        });
        assert_eq!(timeout(PATIENCE, exchange).await.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_peer_that_has_closed_is_the_end_of_reads_and_an_error_of_writes() {
        let (mut connection, peer) = connected().await;
        drop(peer);
        assert_eq!(timeout(PATIENCE, connection.read(&mut [0; 8])).await.unwrap().unwrap(), 0);
        let error = connection.write_all(b"ping").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
