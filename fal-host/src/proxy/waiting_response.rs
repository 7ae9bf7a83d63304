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

    /// Writes what waits, and passes on the parts that have arrived. Pending: nothing is left to do for hyper, unless its waker
    /// has woken the task.
    pub(super) fn poll_relay(&self, client: &Client, cx: &mut Context<'_>) -> Poll<()> {
        let is_held_back = client.relay.is_held_back();
        if !is_held_back && !self.is_there.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let is_passed = if is_held_back {
            client.relay.end_hold();
            write_unsent(client, &mut client.relay.unsent())
        } else {
            self.pass_parts_on(client, cx)
        };
        if is_passed && !client.may_read() && !client.is_told_to_stop() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Writes the parts that have been read, and reads those that have arrived. Returns whether there were any, and hyper has
    /// nothing to do with them.
    fn pass_parts_on(&self, client: &Client, cx: &mut Context<'_>) -> bool {
        let relay = &client.relay;
        let Parts { body: Some(body), bytes, waker } = &mut *self.lock() else { return false };
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        if !relay.is_open() {
            return false;
        }
        let unsent = &mut *relay.unsent();
        let mut is_passed = relay.has_unsent();
        if is_passed && !write_unsent(client, unsent) {
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
            relay.set_unsent(true);
            client.begin_write();
            cx.waker().wake_by_ref();
        }
        is_passed
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what waits. Returns whether that is everything: otherwise hyper's stream writes the rest, within the time limit.
fn write_unsent(client: &Client, unsent: &mut Vec<u8>) -> bool {
    let Ok(written) = client.try_write(unsent) else { return false };
    unsent.drain(..written);
    if !unsent.is_empty() {
        return false;
    }
    unsent.shrink_to(MAX_GATHERED);
    client.relay.set_unsent(false);
    client.end_write();
    true
}

fn append_chunk(chunks: &mut Vec<u8>, data: &[u8]) {
    // Writing to memory cannot fail.
    let _ = write!(chunks, "{:X}\r\n", data.len());
    chunks.extend_from_slice(data);
    chunks.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::tests::Rig;

    #[tokio::test]
    async fn a_client_that_rests_keeps_no_memory_for_its_responses_s43h() {
        let client = Rig::new().await.unserved_client().await;
        client.relay.allow();
        client.stream().writable().await.unwrap();
        client.relay.hold_back(b"response");
        let waiting = WaitingResponse::default();
        assert!(waiting.poll_relay(&client, &mut Context::from_waker(Waker::noop())).is_pending());
        assert!(client.is_flushed() && client.relay.take_unsent().is_none());
        client.relay.release_memory();
        assert_eq!(client.relay.unsent().capacity(), 0);
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
