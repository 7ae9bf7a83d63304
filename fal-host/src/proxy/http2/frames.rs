//! The stream that hyper reads frames of HTTP/2 from and writes them to. It counts them on the way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::budget::Budget;
use super::scanner::{Kind, Scanner};
use crate::proxy::balancer::Balancer;
use crate::proxy::client::Client;
use crate::proxy::client_io::ClientIo;
use crate::proxy::download::Download;
use crate::proxy::protocol::PREFACE;
use crate::proxy::refusal_log::{LimitReached, RefusedClient};

/// A client's connection, whose frames are counted.
#[derive(Debug)]
pub(super) struct FramedStream {
    io: ClientIo,
    download: Download,
    balancer: Arc<Balancer>,
    client: Arc<Client>,
    received: Scanner,
    sent: Scanner,
    budget: Budget,
    /// How many GOAWAY frames have been written.
    go_aways: u32,
}

impl FramedStream {
    pub(super) fn new(balancer: Arc<Balancer>, client: Arc<Client>, io: ClientIo) -> Self {
        Self {
            io,
            download: Download::new(&client),
            received: Scanner::after(PREFACE.len()),
            sent: Scanner::after(0),
            budget: Budget::new(client.timer.clock().clone()),
            go_aways: 0,
            balancer,
            client,
        }
    }

    /// Counts frames that have arrived.
    fn count(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(frame) = self.received.next(&mut bytes) {
            if let Err(excess) = self.budget.receive(frame) {
                tracing::debug!(client = ?self.client.sender.address, "{excess}: its connection is closed");
                self.client.cut_off.flood();
                self.log_refusal(LimitReached::Frames);
                return Err(io::Error::other(excess));
            }
        }
        Ok(())
    }

    /// Logs that the client has reached a limit that ends its connection.
    fn log_refusal(&self, limit: LimitReached) {
        let client = self.client.sender.address.to_str().ok();
        self.balancer.log_refusal(limit, RefusedClient { client, ..RefusedClient::default() });
    }

    /// A GOAWAY is written. The first one comes with a ping: until the client has answered that, it may not know of the
    /// close, and its requests are served. The second one names the last request that is.
    fn count_go_away(&mut self) {
        self.go_aways += 1;
        if self.go_aways > 1 {
            self.client.announce_close();
        }
    }

    /// Applies the time limit to a write that may be blocked. A client that does not read loses its connection.
    fn limit_write(&mut self, written: Poll<io::Result<usize>>, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        let written = self.download.limit(&self.client, written, cx);
        if let Poll::Ready(Err(error)) = &written
            && error.kind() == io::ErrorKind::TimedOut
        {
            self.client.cut_off.stall();
            self.log_refusal(LimitReached::SlowReader { after: self.client.limits.inactivity.1 });
        }
        written
    }
}

impl Read for FramedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        #[expect(unsafe_code, reason = "hyper lends memory that is not initialized")]
        // SAFETY: a `ReadBuf` only writes initialized bytes to the memory.
        let mut read = ReadBuf::uninit(unsafe { buf.as_mut() });
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        self.count(read.filled())?;
        let length = read.filled().len();
        #[expect(unsafe_code, reason = "hyper lends memory that is not initialized")]
        // SAFETY: the `ReadBuf` has filled that many bytes.
        unsafe {
            buf.advance(length);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for FramedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        let written = ready!(self.limit_write(written, cx))?;
        let mut sent = bytes.get(..written).unwrap_or_default();
        while let Some(frame) = self.sent.next(&mut sent) {
            self.budget.send(frame);
            if frame.kind == Kind::GoAway {
                self.count_go_away();
            }
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx).map_ok(|()| 0);
        self.limit_write(flushed, cx).map_ok(|_| ())
    }

    /// Says that nothing follows. The connection is closed in stages when hyper has ended.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
