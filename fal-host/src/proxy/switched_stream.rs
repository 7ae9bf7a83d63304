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
        Pin::new(&mut self.io).poll_read(cx, buf)
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
