//! What the system has been given to send and the peer has not taken yet.

use std::os::fd::AsFd;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;

use crate::connect::Stream;

/// How many bytes wait in the send queue of a connection. Over TCP these are the bytes that the peer's system has not acknowledged.
/// Over a Unix socket these are the bytes that the peer has not read, with the memory that each write takes beside them.
///
/// A write that is blocked says little about its peer: Linux lets it go on only when a third of the queue of TCP is free, which can
/// be more than a megabyte, and three quarters of the queue of a Unix socket.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn unsent(socket: impl AsFd) -> u64 {
    let mut length: libc::c_int = 0;
    #[expect(unsafe_code, reason = "rustix has no function for it")]
    // SAFETY: the socket is open. For a socket `TIOCOUTQ`, which is also called `SIOCOUTQ`, writes one `int`.
    let outcome = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut length) };
    if outcome == 0 { length.try_into().unwrap_or(0) } else { 0 }
}

/// Other systems do not tell.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn unsent(_: impl AsFd) -> u64 {
    0
}

/// How many bytes that were written to a runner it has not read, as far as the system tells.
pub(super) fn unread(stream: &Stream) -> u64 {
    stream.socket().map_or(0, unsent)
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android"))]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream, UnixListener};

    use super::*;
    use crate::Address;
    use crate::connect::connect;

    #[tokio::test]
    async fn what_the_peer_has_not_taken_waits_in_the_queue() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut written = 0;
        stream.writable().await.unwrap();
        while let Ok(length) = stream.try_write(&[0; 16 * 1024]) {
            written += length;
        }
        let waiting = unsent(&stream);
        assert!(waiting > 0 && waiting <= written as u64, "{waiting} of {written}");
        peer.read_exact(&mut vec![0; written]).await.unwrap();
        assert_eq!(unsent(&stream), 0);
    }

    #[tokio::test]
    async fn what_a_runner_has_not_read_waits_in_the_queue_of_its_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let mut stream = connect(&Address::Unix(path)).await.unwrap();
        let (mut runner, _) = listener.accept().await.unwrap();
        stream.write_all(&vec![0; 100_000]).await.unwrap();
        let all = unread(&stream);
        assert!(all >= 100_000, "{all}");
        runner.read_exact(&mut vec![0; 50_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!((50_000..all).contains(&unread(&stream)));
        runner.read_exact(&mut vec![0; 50_000]).await.unwrap();
        assert_eq!(unread(&stream), 0);
    }
}
