//! Passes parts of a response on to a client past hyper.
//!
//! The parts of a stream of events arrive one at a time. For each of them hyper would look for a request, ask the body, copy the
//! part into its buffer and write that, which is most of what the part costs. While hyper has nothing to write, the task of
//! the connection writes the part to the socket itself, as a chunk. hyper gets everything else: what the client
//! sends, the end of the response, its trailers and errors.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};

use super::client::Client;
use super::runner_body::RunnerBody;

/// How many bytes are gathered for one write.
const MAX_GATHERED: usize = 16 * 1024;

/// The response of a client that waits for its next part. One task works with it.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// Whether hyper has written everything that it has, and its stream, too.
    is_open: AtomicBool,
    has_body: AtomicBool,
    has_unsent: AtomicBool,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    body: Option<Box<RunnerBody>>,
    /// Chunks that are not written yet.
    unsent: Vec<u8>,
    /// How many bytes of the body have been passed on here.
    bytes: usize,
}

impl Relay {
    /// hyper has written everything that it has, and its stream, too.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// hyper has something to write.
    pub(super) fn close(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// The response has chunks, and waits for its next part.
    pub(super) fn put(&self, body: RunnerBody) {
        self.lock().body = Some(Box::new(body));
        self.has_body.store(true, Ordering::Relaxed);
    }

    /// Works with the response that waits.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut RunnerBody) -> T) -> Option<T> {
        self.lock().body.as_deref_mut().map(work)
    }

    /// Takes the response, and how many bytes of its body have been passed on here.
    pub(super) fn take(&self) -> (Option<Box<RunnerBody>>, usize) {
        self.has_body.store(false, Ordering::Relaxed);
        let mut parts = self.lock();
        if parts.unsent.is_empty() {
            parts.unsent = Vec::new();
        }
        (parts.body.take(), std::mem::take(&mut parts.bytes))
    }

    /// Takes the chunks that come before what hyper writes next.
    pub(super) fn take_unsent(&self) -> Option<Vec<u8>> {
        self.has_unsent.load(Ordering::Relaxed).then(|| {
            self.has_unsent.store(false, Ordering::Relaxed);
            std::mem::take(&mut self.lock().unsent)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Whether the response's parts can be passed on here, since they are chunks of their own, and hyper reads nothing more of
    /// the request.
    pub(super) fn may_relay(&self) -> bool {
        self.has_chunks() && self.has_uploaded()
    }

    /// Passes on the parts that have arrived. Ready: hyper may have something to do.
    ///
    /// What has been read is written when the tasks have run that are ready now: many streams are first read, and then written.
    pub(super) fn poll_relay(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Relay { is_open, has_body, has_unsent, .. } = &self.relay;
        // What the client sends is hyper's.
        if !has_body.load(Ordering::Relaxed)
            || !is_open.load(Ordering::Relaxed)
            || self.is_told_to_stop()
            || self.stream().poll_read_ready(cx).is_ready()
        {
            return Poll::Ready(());
        }
        let mut parts = self.relay.lock();
        let Parts { body: Some(body), unsent, bytes } = &mut *parts else { return Poll::Ready(()) };
        let mut is_done = false;
        if has_unsent.load(Ordering::Relaxed) {
            // What remains is written by hyper's stream, which keeps the time limit.
            let Poll::Ready(Ok(written)) = self.poll_write(cx, unsent) else { return Poll::Ready(()) };
            unsent.drain(..written);
            if !unsent.is_empty() {
                return Poll::Ready(());
            }
            has_unsent.store(false, Ordering::Relaxed);
            self.end_write();
            is_done = true;
        }
        while unsent.is_empty() || (unsent.len() < MAX_GATHERED && body.has_received()) {
            let take = |received: &mut BytesMut, length| {
                append_chunk(unsent, received.get(..length).unwrap_or_default());
                received.advance(length);
                length
            };
            match body.poll_data(cx, take) {
                Poll::Ready(Some(length)) => {
                    *bytes = bytes.saturating_add(length);
                    is_done = true;
                }
                Poll::Ready(None) => {
                    // The response ends.
                    is_done = false;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if !unsent.is_empty() {
            has_unsent.store(true, Ordering::Relaxed);
            self.begin_write();
            cx.waker().wake_by_ref();
        }
        if is_done { Poll::Pending } else { Poll::Ready(()) }
    }
}

fn append_chunk(chunks: &mut Vec<u8>, data: &[u8]) {
    // Writing to memory cannot fail.
    let _ = write!(chunks, "{:X}\r\n", data.len());
    chunks.extend_from_slice(data);
    chunks.extend_from_slice(b"\r\n");
}
