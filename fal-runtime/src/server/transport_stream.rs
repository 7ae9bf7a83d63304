//! A connected socket, TCP or Unix.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use tokio::net::{TcpStream, UnixStream};

/// A connected socket, TCP or Unix.
#[derive(Debug)]
pub(super) enum TransportStream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl TransportStream {
    /// Reads what is there.
    pub(super) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.try_read(buf),
            Self::Tcp(stream) => stream.try_read(buf),
        }
    }

    /// Waits until something is there.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.readable().await,
            Self::Tcp(stream) => stream.readable().await,
        }
    }

    /// Sends the end of the stream.
    pub(super) fn stop_writing(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self, rustix::net::Shutdown::Write)?)
    }
}

impl AsFd for TransportStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}
