//! Connecting to a runner.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fal_health::protocol::Address;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use tokio::net::UnixStream as UnixConnection;

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::unix_connection::UnixConnection;

/// A connection to an [`Address`].
#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixConnection),
    /// Sends small messages at once (`TCP_NODELAY`).
    Tcp(TcpStream),
}

/// Connects to `address`.
///
/// If the backlog of a Unix socket is full, it tries again, after pauses that grow from 1 ms to 64 ms, until the caller
/// drops the future at its own deadline (S20e).
pub(crate) async fn connect(address: &Address) -> io::Result<Stream> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(stream))
        }
        Address::Unix(path) => {
            let mut pause = Pause::new();
            loop {
                match UnixConnection::connect(path).await {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause.wait().await,
                    outcome => return outcome.map(Stream::Unix),
                }
            }
        }
    }
}

/// Whether a connection failed because this process is out of file descriptors, memory, buffer space or local ports.
/// Such a failure says nothing about the runner (S20a).
pub(crate) fn is_own_shortage(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS | Errno::ADDRNOTAVAIL)
    )
}

/// The pauses between attempts: 1 ms at first, doubled each time, at most 64 ms.
#[derive(Debug)]
pub(crate) struct Pause(Duration);

impl Pause {
    const MAX: Duration = Duration::from_millis(64);

    pub(crate) const fn new() -> Self {
        Self(Duration::from_millis(1))
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::MAX);
    }
}

impl Stream {
    /// Whether something has arrived, or the peer has closed its side.
    pub(crate) fn may_read(&self) -> bool {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Unix(stream) => stream.may_read(),
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            Self::Unix(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
            Self::Tcp(stream) => stream.try_io(Interest::READABLE, || Ok(())).is_ok(),
        }
    }

    /// Its socket, unless that is lost.
    pub(crate) fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Unix(stream) => stream.socket(),
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            Self::Unix(stream) => Some(stream.as_fd()),
            Self::Tcp(stream) => Some(stream.as_fd()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixSocket;

    use super::*;

    #[tokio::test]
    async fn connect_waits_while_the_backlog_is_full_s20e() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = Address::Unix(path.clone());

        let first = connect(&address).await.unwrap();
        let full = UnixConnection::connect(&path).await.unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);

        let (second, accepted) = tokio::join!(connect(&address), listener.accept());
        second.unwrap();
        accepted.unwrap();
        drop(first);
    }

    #[tokio::test]
    async fn a_missing_listener_is_not_a_shortage_of_the_host() {
        let directory = tempfile::tempdir().unwrap();
        let error = connect(&Address::Unix(directory.path().join("none"))).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!is_own_shortage(&error));
        assert!(is_own_shortage(&Errno::MFILE.into()));
    }
}
