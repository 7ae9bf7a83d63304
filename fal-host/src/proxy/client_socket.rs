//! Reads from and writes to the socket of a client.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustix::net::RecvFlags;
use tokio::io::{Interest, ReadBuf};

use super::client::Client;
use super::send_queue::unsent;
use super::thread::DeferredWrite;
use super::timer::Wait;

impl Client {
    /// Whether the client has now been idle for so long that its connection gives its memory back. Nothing of a head has
    /// arrived, and nothing is left to be written.
    pub(super) fn begins_rest(&self) -> bool {
        !self.is_in_request()
            && self.head.is_awaited()
            && self.is_flushed()
            && !self.timer.is_running(Wait::Download)
            && self.may_continue()
            && self.timer.take_passed(Wait::Rest)
    }

    /// Waits until an idle client has sent or closed something, or its time for a head is over.
    pub(super) fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.stream().poll_read_ready(cx) {
            // Reading finds an error again.
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.timer.poll(Wait::Head, cx),
        }
    }

    /// Whether something has arrived, or the client has closed its side.
    pub(super) fn may_read(&self) -> bool {
        self.stream().try_io(Interest::READABLE, || Ok(())).is_ok()
    }

    /// Reads what has arrived.
    ///
    /// A read that does not fill the buffer has emptied the socket: it clears the readiness, which saves the next read
    /// the call that would only say so.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.stream().poll_read_ready(cx))?;
            let mut read = None;
            let outcome = self.stream().try_io(Interest::READABLE, || {
                #[expect(unsafe_code, reason = "hyper lends memory that is not initialized")]
                // SAFETY: `recv` only writes to the memory.
                let spare = unsafe { buf.unfilled_mut() };
                let room = spare.len();
                let ((filled, _), _) = rustix::net::recv(self.stream(), spare, RecvFlags::empty())?;
                let length = filled.len();
                read = Some(length);
                if length > 0 && length < room { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (read, outcome) {
                (Some(length), _) => {
                    #[expect(unsafe_code, reason = "hyper lends memory that is not initialized")]
                    // SAFETY: `recv` has initialized that many bytes.
                    unsafe {
                        buf.assume_init(length);
                    }
                    buf.advance(length);
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                (None, Err(error)) => return Poll::Ready(Err(error)),
                (None, Ok(())) => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Writes as much as the socket takes.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream().poll_write_ready(cx))?;
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Defers a write to the client.
    pub(super) fn defer(self: &Arc<Self>, waker: &Waker, append: impl FnOnce(&mut Vec<u8>)) {
        if self.deferred.add(waker, append) {
            self.thread.writer.write_later(Arc::<Self>::clone(self));
        }
    }

    /// Writes as much as the socket takes now.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream().try_write(bytes).inspect(|length| self.transfers.count_sent(*length))
    }

    /// How many bytes that were sent wait in the system for the client. One stream of HTTP/2 cannot tell: only what the client
    /// has taken counts as sent.
    pub(super) fn unsent(&self) -> u64 {
        if self.is_stream() { 0 } else { unsent(self.stream()) }
    }

    /// How many bytes the client has taken.
    pub(super) fn taken(&self) -> u64 {
        self.transfers.sent().saturating_sub(self.unsent())
    }
}

impl DeferredWrite for Client {
    fn write(&self) {
        self.deferred.write(|bytes| self.try_write(bytes));
    }
}
