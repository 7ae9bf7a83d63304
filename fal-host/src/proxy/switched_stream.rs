//! The client's end of a connection that has switched protocols.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client::Client;
use super::client_io::ClientIo;
use super::download::Download;

/// The client's end of a connection that has switched protocols. It may be silent for any time. What it is sent it must take
/// (S45i).
#[derive(Debug)]
pub(super) struct SwitchedStream {
    client: Arc<Client>,
    io: ClientIo,
    download: Download,
}

impl SwitchedStream {
    pub(super) fn new(client: &Arc<Client>, io: ClientIo) -> Self {
        Self { download: Download::new(client), client: Arc::clone(client), io }
    }
}

impl AsyncRead for SwitchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { client, io, .. } = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(io).poll_read(cx, buf);
        let length = buf.filled().len() - before;
        if length > 0 {
            // While more of it is passed on, a client that has closed its side is not in the way of others (S43d).
            client.transfers.count_uploaded(length);
        }
        read
    }
}

impl AsyncWrite for SwitchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { client, io, download } = &mut *self;
        let written = Pin::new(io).poll_write(cx, bytes);
        download.limit(client, written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { client, io, download } = &mut *self;
        let flushed = Pin::new(io).poll_flush(cx).map_ok(|()| 0);
        download.limit(client, flushed, cx).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::proxy::tests::Rig;

    #[tokio::test]
    async fn what_is_read_of_a_client_shows_that_its_tunnel_passes_something_on_s43d_s45i() {
        let client = Rig::new().await.unserved_client().await;
        let (mut peer, io) = duplex(64);
        let mut stream = SwitchedStream::new(&client, ClientIo::Tls(Box::new(io)));
        for sent in 1..=3 {
            peer.write_all(b"x").await.unwrap();
            assert_eq!(client.transfers.uploaded(), sent - 1);
            stream.read_u8().await.unwrap();
            assert_eq!(client.transfers.uploaded(), sent);
        }
        drop(peer);
        stream.read_u8().await.unwrap_err();
        assert_eq!(client.transfers.uploaded(), 3);
    }
}
