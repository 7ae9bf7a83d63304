//! Response bytes whose write to the client is deferred ([`writer`](super::writer)).

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// How many bytes are gathered for one write. A larger part of a response exceeds it.
pub(super) const MAX_GATHERED: usize = 16 * 1024;

/// Small responses, and parts of one, that are not written yet.
#[derive(Debug)]
pub(super) struct DeferredResponse {
    /// Whether there are bytes that the client has not been sent.
    is_there: AtomicBool,
    /// Whether the connection's task, instead of the writer, has to write them.
    is_blocked: AtomicBool,
    /// Whether bytes were added since the last look.
    has_grown: AtomicBool,
    state: Mutex<UnwrittenBytes>,
}

#[derive(Debug)]
struct UnwrittenBytes {
    bytes: Vec<u8>,
    /// Wakes the connection's task.
    waker: Waker,
}

impl Default for DeferredResponse {
    fn default() -> Self {
        let state = UnwrittenBytes { bytes: Vec::new(), waker: Waker::noop().clone() };
        let (is_there, is_blocked, has_grown) = Default::default();
        Self { is_there, is_blocked, has_grown, state: Mutex::new(state) }
    }
}

impl DeferredResponse {
    /// Whether there are bytes that the client has not been sent.
    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Acquire)
    }

    /// Whether the writer of the thread will write them.
    pub(super) fn is_deferred(&self) -> bool {
        self.is_there() && !self.is_blocked()
    }

    /// Whether the connection's task writes them, and not the writer.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Acquire)
    }

    /// Adds bytes. Returns whether the buffer was empty: then the writer does not know of them yet.
    pub(super) fn add(&self, waker: &Waker, append: impl FnOnce(&mut Vec<u8>)) -> bool {
        let UnwrittenBytes { bytes, waker: known } = &mut *self.lock();
        let was_empty = bytes.is_empty();
        append(bytes);
        if bytes.is_empty() {
            return false;
        }
        known.clone_from(waker);
        self.is_there.store(true, Ordering::Release);
        self.has_grown.store(true, Ordering::Relaxed);
        was_empty
    }

    /// Whether this many bytes can be added.
    pub(super) fn has_room(&self, length: usize) -> bool {
        !self.is_there() || self.lock().bytes.len() + length <= MAX_GATHERED
    }

    /// Whether bytes were added since the last call.
    pub(super) fn take_growth(&self) -> bool {
        self.has_grown.swap(false, Ordering::Relaxed)
    }

    /// Takes the bytes, for the connection's task to write them. They are there until [`end`](Self::end).
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        if !self.is_there() {
            return None;
        }
        self.is_blocked.store(true, Ordering::Release);
        let bytes = std::mem::take(&mut self.lock().bytes);
        if bytes.is_empty() {
            self.end();
            return None;
        }
        Some(bytes)
    }

    /// Everything is written.
    pub(super) fn end(&self) {
        self.is_blocked.store(false, Ordering::Release);
        self.is_there.store(false, Ordering::Release);
    }

    /// Writes the bytes. The connection's task is woken if that does not write all, or if it may have waited for room.
    pub(super) fn write(&self, try_write: impl FnOnce(&[u8]) -> io::Result<usize>) {
        let mut state = self.lock();
        let length = state.bytes.len();
        if length == 0 || self.is_blocked() {
            return;
        }
        // The connection's task will see the error.
        let written = try_write(&state.bytes).unwrap_or_default();
        state.bytes.drain(..written);
        if state.bytes.is_empty() {
            state.bytes.shrink_to(MAX_GATHERED);
            self.is_there.store(false, Ordering::Release);
            if length < MAX_GATHERED {
                return;
            }
        } else {
            self.is_blocked.store(true, Ordering::Release);
        }
        let waker = state.waker.clone();
        drop(state);
        waker.wake();
    }

    /// Releases the buffer, which is empty.
    pub(super) fn release_memory(&self) {
        let mut state = self.lock();
        state.bytes = Vec::new();
        state.waker.clone_from(Waker::noop());
    }

    fn lock(&self) -> MutexGuard<'_, UnwrittenBytes> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_once_by_the_writer_or_by_the_task_of_the_connection() {
        let deferred = DeferredResponse::default();
        assert!(deferred.add(Waker::noop(), |bytes| bytes.extend_from_slice(b"first")));
        assert!(!deferred.add(Waker::noop(), |bytes| bytes.extend_from_slice(b" second")));
        deferred.write(|bytes| {
            assert_eq!(bytes, b"first second");
            Ok(6)
        });
        assert!(deferred.is_blocked());
        deferred.write(|_| panic!("the writer may have it twice in one turn"));
        assert_eq!(deferred.take().unwrap(), b"second");
        deferred.write(|_| panic!("the task of the connection writes it"));
        assert!(deferred.is_there());
        deferred.end();
        assert!(!deferred.is_there() && deferred.take().is_none());
    }

    #[test]
    fn a_client_that_rests_keeps_no_memory_for_its_responses_s43h() {
        let deferred = DeferredResponse::default();
        deferred.add(Waker::noop(), |bytes| bytes.extend_from_slice(b"response"));
        deferred.write(|bytes| Ok(bytes.len()));
        assert!(!deferred.is_there());
        deferred.release_memory();
        assert_eq!(deferred.lock().bytes.capacity(), 0);
    }
}
