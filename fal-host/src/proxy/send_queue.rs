//! What the system has been given to send and the peer has not taken yet.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;

use tokio::net::TcpStream;

/// How many bytes wait in the send queue of a connection: they were written, and the peer has not acknowledged them.
///
/// A write that is blocked says little about its peer: Linux lets it go on only when a third of the queue is free, which can
/// be more than a megabyte.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn unsent(stream: &TcpStream) -> u64 {
    let mut length: libc::c_int = 0;
    #[expect(unsafe_code, reason = "rustix has no function for it")]
    // SAFETY: the stream is open. For a socket `TIOCOUTQ`, which is also called `SIOCOUTQ`, writes one `int`.
    let outcome = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut length) };
    if outcome == 0 { length.try_into().unwrap_or(0) } else { 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const fn unsent(_: &TcpStream) -> u64 {
    0
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android"))]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

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
}
