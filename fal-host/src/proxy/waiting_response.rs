//! Passes parts of responses on past hyper.
//!
//! The parts of a stream of events arrive one at a time. For each of them hyper would look for a request, ask the body, copy the
//! part into its buffer and write that, which is most of what the part costs. While hyper has nothing to write, the task of
//! the connection passes the part on itself, as a chunk. hyper gets everything else: what the client sends, the end of the response, its
//! trailers and errors.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};

use super::client::Client;
use super::deferred_response::MAX_GATHERED;
use super::runner_body::RunnerBody;

/// The response of a client that waits for its next part, if there is one. One task works with it.
#[derive(Debug, Default)]
pub(super) struct WaitingResponse {
    is_there: AtomicBool,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    body: Option<Box<RunnerBody>>,
    /// How many bytes of it have been passed on here.
    bytes: usize,
    /// Wakes the task of the connection.
    waker: Option<Waker>,
}

impl WaitingResponse {
    /// Whether parts can be passed on here: they are chunks of their own, and hyper has read the whole request.
    pub(super) fn is_possible(client: &Client) -> bool {
        client.relay.is_possible() && client.has_chunks() && client.has_uploaded()
    }

    /// Whether a response waits here.
    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// The response has chunks, and waits for its next part.
    pub(super) fn put(&self, body: RunnerBody) {
        self.lock().body = Some(Box::new(body));
        self.is_there.store(true, Ordering::Relaxed);
    }

    /// Lets hyper ask for a part of the response. The next part wakes the task of the connection, and not hyper.
    pub(super) fn poll_part<T>(
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
        self.is_there.store(false, Ordering::Relaxed);
        let mut parts = self.lock();
        (parts.body.take(), std::mem::take(&mut parts.bytes))
    }

    /// Passes on the parts that have arrived. Pending: nothing is left to do for hyper, unless its waker has woken the task.
    pub(super) fn poll_relay(&self, client: &Arc<Client>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_there()
            && self.pass_parts_on(client, cx)
            && !client.may_read()
            && !client.is_told_to_stop()
        {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Reads the parts that have arrived, and defers their write. Returns whether there were any, and hyper has nothing to do with
    /// them.
    fn pass_parts_on(&self, client: &Arc<Client>, cx: &mut Context<'_>) -> bool {
        let Parts { body: Some(body), bytes, waker } = &mut *self.lock() else { return false };
        let waker = waker.get_or_insert_with(|| cx.waker().clone());
        waker.clone_from(cx.waker());
        if !client.relay.is_open() || client.deferred.is_blocked() {
            return false;
        }
        let mut is_passed = false;
        client.defer(waker, |chunks| {
            while chunks.len() < MAX_GATHERED {
                let take = |received: &mut BytesMut, length| {
                    append_chunk(chunks, received.get(..length).unwrap_or_default());
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
        });
        is_passed
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append_chunk(chunks: &mut Vec<u8>, data: &[u8]) {
    // Writing to memory cannot fail.
    let _ = write!(chunks, "{:X}\r\n", data.len());
    chunks.extend_from_slice(data);
    chunks.extend_from_slice(b"\r\n");
}
