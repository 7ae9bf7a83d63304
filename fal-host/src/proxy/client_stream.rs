//! The stream that hyper reads a client's requests from and writes responses to. It keeps the client's time limits.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncWrite, ReadBuf};

use super::client::Client;
use super::client_io::ClientIo;
use super::download::Download;
use super::meter::Meter;
use super::target_encoder::TargetEncoder;
use super::timer::Wait;

/// The largest response whose write is deferred, in bytes.
const MAX_DEFERRED: usize = 4 * 1024;

/// How many zeros the size of a chunk may begin with. Some clients take sizes of at most 16 digits.
const MAX_ZEROS: usize = 8;

/// The client's end of a connection.
///
/// hyper reads from it only to get a head, or a body that the runner takes. So a read that blocks is a wait for the
/// client, and so is a write that blocks.
#[derive(Debug)]
pub(super) struct ClientStream {
    client: Arc<Client>,
    io: ClientIo,
    upload: Meter,
    /// How many bytes of bodies the meter has counted.
    metered: u64,
    download: Download,
    target: TargetEncoder,
    end: Option<End>,
    /// Whether hyper has answered a head that it cannot read.
    refused: bool,
    /// Interim responses, or a probe, that are being written. They may be written only when hyper has nothing left to write.
    interim: Vec<u8>,
    /// How many zeros the size of the next chunk begins with.
    zeros: usize,
    /// Deferred bytes that precede hyper's next write.
    unsent: Option<Vec<u8>>,
}

/// Why no more can be read from a client, or written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It has closed its side, or the connection failed.
    Closed,
    /// It read too little, and its time is over.
    Stalled,
    /// It did not send the head of a request in time.
    HeadTimeout,
}

impl ClientStream {
    pub(super) fn new(client: Arc<Client>, io: ClientIo) -> Self {
        let (ticks, time) = client.limits.inactivity;
        let (upload, download) = (Meter::new(ticks, time), Download::new(&client));
        if matches!(io, ClientIo::Plain(_)) {
            client.relay.allow();
        }
        Self {
            upload,
            metered: 0,
            download,
            target: TargetEncoder::default(),
            client,
            io,
            end: None,
            refused: false,
            interim: Vec::new(),
            zeros: 0,
            unsent: None,
        }
    }

    /// The stream without its time limits.
    pub(super) fn into_io(self) -> ClientIo {
        self.io
    }

    /// What the client has sent and hyper has not used, of which hyper has `read` this.
    pub(super) fn unused(&mut self, read: Bytes) -> Bytes {
        if self.target.remainder.is_empty() {
            return read;
        }
        [&*read, &std::mem::take(&mut self.target.remainder)].concat().into()
    }

    /// Lets hyper read these bytes again.
    pub(super) fn put_back(&mut self, read: &[u8]) {
        self.target.remainder.splice(..0, read.iter().copied());
    }

    /// How the stream has ended, if it has.
    pub(super) const fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether hyper has answered a head that it cannot read. The client does not get that answer: it has no body.
    pub(super) const fn is_refused(&self) -> bool {
        self.refused
    }

    /// Copies the head of a request that arrives, and encodes its target.
    fn read_head(&mut self, read: &mut ReadBuf<'_>) {
        if self.client.is_in_request() {
            return;
        }
        if self.client.head.append(read.filled()) {
            self.target.begin();
        }
        if let Some(encoded) = self.target.encode(read.filled()) {
            read.clear();
            let (fits, remainder) = encoded.split_at(encoded.len().min(read.capacity()));
            read.put_slice(fits);
            self.target.remainder = remainder.to_vec();
        }
    }

    /// The host waits for the client's bytes: of a head, or of a body.
    fn wait_for_read(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let timer = &self.client.timer;
        let wait = if self.client.is_in_request() {
            let uploaded = self.client.transfers.uploaded();
            if uploaded > self.metered {
                self.upload.transfer(timer.clock().now(), uploaded - self.metered);
                self.metered = uploaded;
            }
            if let Some(ticks) = self.upload.wait(timer.clock().now()) {
                timer.start(Wait::Upload, ticks);
            }
            Wait::Upload
        } else {
            self.upload.reset();
            self.metered = self.client.transfers.uploaded();
            timer.stop(Wait::Upload);
            if !timer.is_running(Wait::Head) {
                self.client.await_head();
            }
            Wait::Head
        };
        timer.poll(wait, cx).map(|()| {
            if wait == Wait::Upload {
                self.client.cut_off.stall();
            } else {
                self.end = Some(End::HeadTimeout);
            }
            Err(io::ErrorKind::TimedOut.into())
        })
    }
}

impl ClientStream {
    /// Writes the deferred response, if there is one. Returns whether that succeeded.
    pub(super) async fn write_deferred(&mut self) -> bool {
        poll_fn(|cx| self.poll_unsent(cx)).await.is_ok()
    }

    /// Writes the bytes that precede hyper's next write.
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(unsent) = self.unsent.take().or_else(|| self.client.deferred.take()) {
            let written = self.poll_write_bytes(cx, &unsent);
            let unsent = self.unsent.insert(unsent);
            unsent.drain(..ready!(written)?);
            if unsent.is_empty() {
                self.client.deferred.end();
                self.unsent = None;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Defers the write of the end of a response. Returns whether it did: then hyper takes the bytes for written.
    fn defer(&self, cx: &Context<'_>, bytes: &[u8]) -> bool {
        let Self { client, interim, .. } = self;
        let may_wait = bytes.len() <= MAX_DEFERRED
            && client.relay.is_possible()
            && client.is_owed_response()
            && !client.is_in_request()
            && client.has_ended_write()
            && !client.deferred.is_blocked()
            && interim.is_empty()
            && !client.interim.are_there()
            && client.deferred.has_room(bytes.len());
        if may_wait {
            client.defer(cx.waker(), |deferred| deferred.extend_from_slice(bytes));
            client.end_response();
        }
        may_wait
    }

    /// Writes the interim responses, or the probe, that come before what hyper writes next.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            // A client that does not read them lets no more pile up here. The others wait, or are dropped.
            if self.interim.is_empty() {
                let Some(interim) = self.client.interim.take() else { return Poll::Ready(Ok(())) };
                self.interim = interim;
            }
            let interim = std::mem::take(&mut self.interim);
            let written = self.poll_write_bytes(cx, &interim);
            self.interim = interim;
            self.interim.drain(..ready!(written)?);
        }
    }

    /// Writes as much as the client takes, within its time limit.
    pub(super) fn poll_write_bytes(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.limit_write(written, cx)
    }

    /// Writes what TLS has encrypted and not sent yet.
    fn poll_flush_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.io, ClientIo::Plain(_)) {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.io).poll_flush(cx).map_ok(|()| 0);
        self.limit_write(flushed, cx).map_ok(|_| ())
    }

    /// Applies the time limit to a write that may be blocked, and notes how the stream has ended.
    fn limit_write(&mut self, written: Poll<io::Result<usize>>, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        let written = self.download.limit(&self.client, written, cx);
        if let Poll::Ready(Err(error)) = &written {
            let is_stalled = error.kind() == io::ErrorKind::TimedOut;
            if is_stalled {
                self.client.cut_off.stall();
            }
            self.end = Some(if is_stalled { End::Stalled } else { End::Closed });
        }
        written
    }
}

impl Read for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // While the client does not take the last response, no further request is read.
        if !this.client.is_in_request() && !this.client.deferred.is_deferred() {
            let Poll::Ready(written) = this.poll_unsent(cx) else {
                // The time for its head begins when the client has taken the response.
                this.client.timer.stop(Wait::Head);
                this.client.timer.stop(Wait::Rest);
                return Poll::Pending;
            };
            written?;
        }
        if !this.target.remainder.is_empty() {
            let remainder = &mut this.target.remainder;
            let length = remainder.len().min(buf.remaining());
            buf.put_slice(remainder.drain(..length).as_slice());
            return Poll::Ready(Ok(()));
        }
        #[expect(unsafe_code, reason = "hyper lends memory that is not initialized")]
        // SAFETY: a `ReadBuf` only writes initialized bytes to the memory.
        let mut read = ReadBuf::uninit(unsafe { buf.as_mut() });
        match this.io.poll_fill(cx, &mut read) {
            Poll::Pending => this.wait_for_read(cx),
            Poll::Ready(Ok(())) => {
                if read.filled().is_empty() {
                    this.end = Some(End::Closed);
                }
                this.read_head(&mut read);
                let length = read.filled().len();
                #[expect(unsafe_code, reason = "hyper lends memory that is not initialized")]
                // SAFETY: the `ReadBuf` has filled that many bytes.
                unsafe {
                    buf.advance(length);
                }
                let timer = &this.client.timer;
                // What counts are the bytes of a body, and not those of its framing.
                if this.upload.transfer(timer.clock().now(), 0) {
                    timer.stop(Wait::Upload);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                this.end = Some(End::Closed);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl Write for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.client.relay.close();
        if self.defer(cx, bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_unsent(cx))?;
        if !self.client.is_owed_response() {
            self.refused = true;
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.client.has_ended_write() {
            ready!(self.poll_interim(cx))?;
            self.zeros = 0;
            self.client.begin_write();
        }
        self.poll_write_bytes(cx, bytes)
    }

    /// hyper calls this whenever it has written everything that it has.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.client.deferred.is_deferred() && !self.client.interim.are_there() {
            return Poll::Ready(Ok(()));
        }
        self.client.relay.close();
        ready!(self.poll_unsent(cx))?;
        self.client.end_write();
        self.client.end_response();
        if self.client.has_response() {
            // An interim response that has not been written before the response is too late.
            drop(self.client.interim.take());
            if self.client.take_probe() {
                if self.client.deferred.take_growth() {
                    self.zeros = 0;
                }
                if self.zeros < MAX_ZEROS {
                    self.zeros += 1;
                    self.interim.push(b'0');
                }
            }
        }
        ready!(self.poll_interim(cx))?;
        ready!(self.poll_flush_bytes(cx))?;
        self.client.relay.open();
        Poll::Ready(Ok(()))
    }

    /// Does nothing: the connection is closed in stages when hyper has ended.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
