//! Connections that have switched protocols: what either side sends is passed on as it is.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use super::permit::Permit;
use super::upstream::UpstreamStream;

/// The runner's end of a connection that has switched protocols, with the permit of its request.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) stream: UpstreamStream,
    /// What the runner has sent since it switched.
    pub(super) received: Bytes,
    pub(super) permit: Permit,
    pub(super) id: HeaderValue,
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
    pub(super) async fn run(mut self, mut client: impl AsyncRead + AsyncWrite + Unpin, sent: Bytes) {
        let outcome = async {
            client.write_all(&self.received).await?;
            self.stream.write_all(&sent).await?;
            copy_bidirectional(&mut client, &mut self.stream).await
        };
        let outcome = outcome.await;
        let (from_client, from_runner) = outcome.as_ref().copied().unwrap_or_default();
        tracing::debug!(
            request_id = %self.id.to_str().unwrap_or_default(),
            runner = %self.permit.runner().id,
            from_client,
            from_runner,
            error = outcome.err().map(tracing::field::display),
            "a connection that had switched protocols has ended"
        );
    }
}
