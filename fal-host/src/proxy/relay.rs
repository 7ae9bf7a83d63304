//! Writes to a client past hyper: parts of responses, and small responses.
//!
//! The parts of a stream of events arrive one at a time. For each of them hyper would look for a request, ask the body, copy the
//! part into its buffer and write that, which is most of what the part costs. While hyper has nothing to write, the task of
//! the connection writes the part to the socket itself, as a chunk. hyper gets everything else: what the client
//! sends, the end of the response, its trailers and errors.
//!
//! What is to be written waits until the tasks have run that are ready now. So many clients and runners are first read from, and then
//! written to: a program at the other end is woken once for several messages, and not once for each.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};

use super::client::Client;
use super::runner_body::RunnerBody;

/// How many bytes are gathered for one write. More may be there if a part is larger.
const MAX_GATHERED: usize = 16 * 1024;

/// How large a response is at most, in bytes, that waits for other tasks.
pub(super) const MAX_HELD_BACK: usize = 4 * 1024;

/// What is written to a client past hyper. One task works with it.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// Whether the client is one without TLS.
    is_possible: AtomicBool,
    /// Whether hyper has written everything that it has, and its stream, too.
    is_open: AtomicBool,
    has_body: AtomicBool,
    has_unsent: AtomicBool,
    is_held_back: AtomicBool,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    /// A response that waits for its next part.
    body: Option<Box<RunnerBody>>,
    /// How many bytes of it have been passed on here.
    bytes: usize,
    /// Wakes the task of the connection.
    waker: Option<Waker>,
    /// Chunks, or a response, that are not written yet.
    unsent: Vec<u8>,
}

impl Relay {
    /// The client has no TLS: what is written to its socket is what it reads.
    pub(super) fn allow(&self) {
        self.is_possible.store(true, Ordering::Relaxed);
    }

    /// Whether the client has no TLS.
    pub(super) fn is_possible(&self) -> bool {
        self.is_possible.load(Ordering::Relaxed)
    }

    /// hyper has written everything that it has, and its stream, too.
    pub(super) fn open(&self) {
        self.is_open.store(self.is_possible(), Ordering::Relaxed);
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

    /// Lets hyper ask for a part of the response. The next part wakes the task of the connection, and not hyper.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut RunnerBody, &mut Context<'_>) -> Poll<Option<T>>,
    ) -> Poll<Option<T>> {
        let Parts { body, waker, .. } = &mut *self.lock();
        let Some(body) = body else { return Poll::Ready(None) };
        match waker {
            Some(waker) => poll(body, &mut Context::from_waker(waker)),
            None => poll(body, cx),
        }
    }

    /// Whether the whole response has been passed on.
    pub(super) fn is_finished(&self) -> bool {
        self.lock().body.as_ref().is_none_or(|body| body.is_finished())
    }

    /// Takes the response, and how many bytes of its body have been passed on here.
    pub(super) fn take(&self) -> (Option<Box<RunnerBody>>, usize) {
        self.has_body.store(false, Ordering::Relaxed);
        let mut parts = self.lock();
        (parts.body.take(), std::mem::take(&mut parts.bytes))
    }

    /// Takes a whole response from hyper, which takes it for written.
    pub(super) fn hold_back(&self, response: &[u8]) {
        self.lock().unsent.extend_from_slice(response);
        self.has_unsent.store(true, Ordering::Relaxed);
        self.is_held_back.store(true, Ordering::Relaxed);
    }

    /// Whether there is a response that hyper takes for written.
    pub(super) fn is_held_back(&self) -> bool {
        self.is_held_back.load(Ordering::Relaxed)
    }

    /// Takes what comes before what hyper writes next.
    pub(super) fn take_unsent(&self) -> Option<Vec<u8>> {
        self.has_unsent.load(Ordering::Relaxed).then(|| {
            self.has_unsent.store(false, Ordering::Relaxed);
            self.is_held_back.store(false, Ordering::Relaxed);
            std::mem::take(&mut self.lock().unsent)
        })
    }

    /// Releases the memory for what is to be written. Nothing is.
    pub(super) fn release_memory(&self) {
        self.lock().unsent = Vec::new();
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Whether the response's parts can be passed on here: they are chunks of their own, and hyper has read the whole request.
    pub(super) fn may_relay(&self) -> bool {
        self.relay.is_possible() && self.has_chunks() && self.has_uploaded()
    }

    /// Writes what waits, and passes on the parts that have arrived. Pending: nothing is left to do for hyper, unless its waker
    /// has woken the task.
    pub(super) fn poll_relay(&self, cx: &mut Context<'_>) -> Poll<()> {
        let relay = &self.relay;
        let is_held_back = relay.is_held_back.load(Ordering::Relaxed);
        if !is_held_back && !relay.has_body.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let is_passed = if is_held_back {
            relay.is_held_back.store(false, Ordering::Relaxed);
            self.write_unsent(&mut relay.lock().unsent)
        } else {
            self.pass_parts_on(cx)
        };
        if is_passed && !self.may_read() && !self.is_told_to_stop() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Writes the parts that have been read, and reads those that have arrived. Returns whether there were any, and hyper has
    /// nothing to do with them.
    fn pass_parts_on(&self, cx: &mut Context<'_>) -> bool {
        let relay = &self.relay;
        let Parts { body: Some(body), bytes, waker, unsent } = &mut *relay.lock() else { return false };
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        if !relay.is_open.load(Ordering::Relaxed) {
            return false;
        }
        let mut is_passed = relay.has_unsent.load(Ordering::Relaxed);
        if is_passed && !self.write_unsent(unsent) {
            return false;
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
                    is_passed = true;
                }
                Poll::Ready(None) => {
                    // The response ends.
                    is_passed = false;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if !unsent.is_empty() {
            relay.has_unsent.store(true, Ordering::Relaxed);
            self.begin_write();
            cx.waker().wake_by_ref();
        }
        is_passed
    }

    /// Writes what waits. Returns whether that is everything: otherwise hyper's stream writes the rest, within the time limit.
    fn write_unsent(&self, unsent: &mut Vec<u8>) -> bool {
        let Ok(written) = self.try_write(unsent) else { return false };
        unsent.drain(..written);
        if !unsent.is_empty() {
            return false;
        }
        unsent.shrink_to(MAX_GATHERED);
        self.relay.has_unsent.store(false, Ordering::Relaxed);
        self.end_write();
        true
    }
}

fn append_chunk(chunks: &mut Vec<u8>, data: &[u8]) {
    // Writing to memory cannot fail.
    let _ = write!(chunks, "{:X}\r\n", data.len());
    chunks.extend_from_slice(data);
    chunks.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use crate::proxy::tests::Rig;

    use super::*;

    #[tokio::test]
    async fn a_client_that_rests_keeps_no_memory_for_its_responses_s43h() {
        let client = Rig::new().await.unserved_client().await;
        client.relay.allow();
        client.stream().writable().await.unwrap();
        client.relay.hold_back(b"response");
        assert!(client.poll_relay(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(client.is_flushed() && client.relay.take_unsent().is_none());
        client.relay.release_memory();
        assert_eq!(client.relay.lock().unsent.capacity(), 0);
    }

    #[tokio::test]
    async fn a_probe_of_a_gap_does_not_outlast_its_response_s43d() {
        let client = Rig::new().await.unserved_client().await;
        client.begin_request(http::Version::HTTP_11, true);
        client.expect_chunks();
        client.probe_gap();
        client.end_request();
        client.begin_request(http::Version::HTTP_11, true);
        assert!(!client.take_probe());
    }
}
