//! Closes a socket in stages, so that its client can read the last response.

use std::io;
use std::time::Duration;

use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout, timeout_at};

use super::transport_stream::TransportStream;

/// How long a client may go on sending what nothing reads, and how long it may pause meanwhile. As at a host.
const LINGER: Duration = Duration::from_secs(30);
const LINGER_PAUSE: Duration = Duration::from_secs(2);

/// A socket that is closed in stages (RFC 9112, 9.6): no more is sent, and what the client still sends is read and
/// dropped. To close it with unread bytes would reset the connection, and the client would lose its response.
#[derive(Debug)]
pub(super) struct ClosingSocket {
    stream: TransportStream,
    has_received: bool,
}

impl ClosingSocket {
    /// Sends the end of the stream. `None` if the client has closed its side, and the socket is closed.
    ///
    /// It does not wait, so that a host learns at once that the permit is free (S38b).
    pub(super) fn begin(stream: TransportStream) -> Option<Self> {
        stream.stop_writing().ok()?;
        match stream.try_read(&mut [0; 1024]) {
            Ok(0) => None,
            Ok(_) => Some(Self { stream, has_received: true }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Some(Self { stream, has_received: false })
            }
            Err(_) => None,
        }
    }

    /// Whether the client had sent bytes that were not read.
    pub(super) const fn has_received(&self) -> bool {
        self.has_received
    }

    /// Reads and drops what the client sends, until it closes its side or the time is over. Then the socket is closed.
    pub(super) async fn discard(self) {
        let deadline = Instant::now() + LINGER;
        let mut unwanted = vec![0; 16 * 1024];
        while Instant::now() < deadline {
            match self.stream.try_read(&mut unwanted) {
                Ok(0) => return,
                // A client that sends faster than this reads does not hold up other tasks.
                Ok(_) => consume_budget().await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let readable = timeout(LINGER_PAUSE, self.stream.readable());
                    let Ok(Ok(Ok(()))) = timeout_at(deadline, readable).await else { return };
                }
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;

    fn pair() -> (UnixStream, TransportStream) {
        let (client, stream) = UnixStream::pair().unwrap();
        (client, TransportStream::Unix(stream))
    }

    /// Starts to close a socket, and returns how long that took. The clock of these tests stands while anything happens.
    async fn close(stream: TransportStream) -> Duration {
        let begin = Instant::now();
        if let Some(closing) = ClosingSocket::begin(stream) {
            closing.discard().await;
        }
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_closed_is_not_waited_for_s43j() {
        let (client, stream) = pair();
        drop(client);
        assert_eq!(close(stream).await, Duration::ZERO, "it has closed the connection");

        let (mut client, stream) = pair();
        client.shutdown().await.unwrap();
        assert_eq!(close(stream).await, Duration::ZERO, "it has closed its side");

        let (mut client, stream) = pair();
        client.write_all(&vec![b'x'; 100_000]).await.unwrap();
        drop(client);
        assert_eq!(close(stream).await, Duration::ZERO, "it has sent before");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_closes_meanwhile_is_no_longer_waited_for_s43j() {
        let (mut client, stream) = pair();
        let closing = tokio::spawn(close(stream));
        // The end of the stream.
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        drop(client);
        assert_eq!(closing.await.unwrap(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_pause_for_two_seconds_and_send_for_thirty_s43j() {
        let (_client, stream) = pair();
        assert_eq!(close(stream).await, LINGER_PAUSE);

        let (mut client, stream) = pair();
        let sending = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(LINGER_PAUSE / 2).await;
            }
        });
        assert_eq!(close(stream).await, LINGER);
        sending.await.unwrap();
    }
}
