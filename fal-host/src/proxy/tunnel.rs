//! Connections that have switched protocols: what either side sends is passed on as it is.

use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, timeout};

use super::client::Client;
use super::departure::{DepartureCause, LINGER_PAUSE, departed_from_half, departed_from_tunnel};
use super::permit::Permit;
use super::request_id::RequestIdField;
use super::runner_end::RunnerEnd;
use super::switched_stream::SwitchedStream;
use crate::connect::Stream;

/// How many bytes are passed on at a time.
const PART: usize = 8 * 1024;

/// The runner's end of a connection that has switched protocols, with the permit of its request.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) stream: Stream,
    /// What the runner has sent since it switched.
    pub(super) received: Bytes,
    pub(super) permit: Permit,
    pub(super) id: RequestIdField,
}

/// Why a tunnel has ended before both sides have.
#[derive(Debug, thiserror::Error)]
enum TunnelError {
    #[error(transparent)]
    Failed(#[from] io::Error),
    #[error(transparent)]
    Departed(#[from] DepartureCause),
    #[error("the client took too little of what it was sent within {after:?} (`--client-timeout`)")]
    Stalled { after: Duration },
    #[error(
        "the client took less than 8 KiB a second while other requests waited for a permit; with a higher `max_multiplexing` \
         fewer requests wait"
    )]
    TooSlow,
}

impl TunnelError {
    /// Names the cause of an error in the direction from the runner to the client.
    fn of(error: io::Error, client: &Client) -> Self {
        // The time limit of the client is no error of the system.
        if error.kind() != io::ErrorKind::TimedOut || error.raw_os_error().is_some() {
            Self::Failed(error)
        } else if client.transfers.were_too_slow() {
            Self::TooSlow
        } else {
            Self::Stalled { after: client.limits.inactivity.1 }
        }
    }
}

/// Where the tunnel of a client connection waits until its `101 Switching Protocols` has been written.
#[derive(Debug, Default)]
pub(super) struct TunnelSlot(Mutex<Option<Tunnel>>);

impl TunnelSlot {
    pub(super) fn put(&self, tunnel: Tunnel) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
    }

    pub(super) fn take(&self) -> Option<Tunnel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Tunnel {
    /// Passes bytes on until both sides have ended, or one has failed. `sent` is what the client has sent since it asked.
    ///
    /// A client that does not take what it is sent fails (S43a). One that has left is noticed, also while the runner does not read.
    /// One that has only closed its side counts as one that has left when others wait for the permit and nothing is passed on (S43d).
    /// When the runner has ended, the client has a short time to finish. Then the tunnel ends, and releases its permit (S45i). A runner
    /// that takes no more may have ended and still have sent something that the client has not taken.
    pub(super) async fn run(self, client: &Client, io: SwitchedStream, sent: Bytes) {
        let Self { stream, received, permit, id } = self;
        let began = Instant::now();
        let (from_client, to_client) = split(io);
        let runner = RunnerEnd::new(stream);
        let outcome = {
            let mut upload = pin!(pass_on_sent(sent, from_client, &runner));
            let mut download = pin!(pass_on(received, &runner, to_client));
            tokio::select! {
                biased;
                downloaded = &mut download => match downloaded {
                    Ok(()) => timeout(LINGER_PAUSE, upload).await.map_or(Ok(()), |end| end.map(drop)).map_err(Into::into),
                    Err(error) => Err(TunnelError::of(error, client)),
                },
                uploaded = &mut upload => match uploaded {
                    Ok(end) => tokio::select! {
                        biased;
                        downloaded = &mut download => downloaded.map_err(|error| TunnelError::of(error, client)),
                        cause = departed_after(end, client, &runner) => Err(cause.into()),
                    },
                    Err(error) => Err(error.into()),
                },
                cause = departed_from_tunnel(client, || runner.unread()) => Err(cause.into()),
            }
        };
        tracing::info!(
            request_id = %id,
            runner = %permit.runner().id,
            seconds = began.elapsed().as_secs(),
            error = outcome.err().map(tracing::field::display),
            "a connection that had switched protocols has ended"
        );
    }
}

/// How the direction from the client to the runner has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UploadEnd {
    /// The client has closed its side. One of TLS may have done so without its socket.
    OfClient,
    /// The runner takes no more.
    OfRunner,
}

/// Passes on what the client sends, `first` before the rest, and then the end. An error is one of the client.
async fn pass_on_sent(
    first: Bytes,
    mut from_client: impl AsyncRead + Unpin,
    mut to_runner: impl AsyncWrite + Unpin,
) -> io::Result<UploadEnd> {
    if to_runner.write_all(&first).await.is_err() {
        return Ok(UploadEnd::OfRunner);
    }
    let mut part = vec![0; PART];
    loop {
        let length = from_client.read(&mut part).await?;
        let taken = match part.get(..length) {
            Some([]) | None => {
                // A runner that has ended knows.
                let _ = to_runner.shutdown().await;
                return Ok(UploadEnd::OfClient);
            }
            Some(sent) => to_runner.write_all(sent).await,
        };
        if taken.is_err() {
            return Ok(UploadEnd::OfRunner);
        }
    }
}

/// Waits until a client whose direction has ended counts as one that has left (S43d).
async fn departed_after(end: UploadEnd, client: &Client, runner: &RunnerEnd) -> DepartureCause {
    match end {
        UploadEnd::OfClient => departed_from_half(client, || runner.unread()).await,
        UploadEnd::OfRunner => departed_from_tunnel(client, || runner.unread()).await,
    }
}

/// Passes on what the runner sends, `first` before the rest, and then the end. A runner that closes with unread bytes resets its
/// connection: the client gets what came before that, too.
async fn pass_on(
    first: Bytes,
    mut from_runner: impl AsyncRead + Unpin,
    mut to_client: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    to_client.write_all(&first).await?;
    let mut part = vec![0; PART];
    let ended = loop {
        // TLS keeps what the socket has not taken yet.
        to_client.flush().await?;
        match from_runner.read(&mut part).await.map(|length| part.get(..length)) {
            Ok(Some([]) | None) => break Ok(()),
            Ok(Some(sent)) => to_client.write_all(sent).await?,
            Err(error) => break Err(error),
        }
    };
    let shut_down = to_client.shutdown().await;
    ended.and(shut_down)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn a_slow_client_gets_what_its_runner_sent_before_it_closed_with_unread_bytes_s45i() {
        let (mut runner, mut host) = UnixStream::pair().unwrap();
        host.write_all(b"unread").await.unwrap();
        runner.write_all(b"last").await.unwrap();
        drop(runner);
        let (to_client, mut client) = duplex(1);
        let mut received = String::new();
        let (passed, read) = tokio::join!(
            pass_on(Bytes::from("first "), host, to_client),
            client.read_to_string(&mut received)
        );
        read.unwrap();
        assert_eq!(received, "first last");
        assert_eq!(passed.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
