//! Bytes that are written to a client past hyper ([`waiting_response`](super::waiting_response)).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How large a response is at most, in bytes, that waits for other tasks.
pub(super) const MAX_HELD_BACK: usize = 4 * 1024;

/// The bytes that are written to a client past hyper. One task works with them.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// Whether the client is one without TLS.
    is_possible: AtomicBool,
    /// Whether hyper has written everything that it has, and its stream, too.
    is_open: AtomicBool,
    has_unsent: AtomicBool,
    is_held_back: AtomicBool,
    /// Chunks, or a response, that are not written yet.
    unsent: Mutex<Vec<u8>>,
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

    /// Whether chunks may be written now.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Defers the write of a whole response. hyper is told that it is written.
    pub(super) fn hold_back(&self, response: &[u8]) {
        self.unsent().extend_from_slice(response);
        self.set_unsent(true);
        self.is_held_back.store(true, Ordering::Relaxed);
    }

    /// Whether the write of a response is deferred.
    pub(super) fn is_held_back(&self) -> bool {
        self.is_held_back.load(Ordering::Relaxed)
    }

    /// The deferred write begins.
    pub(super) fn end_hold(&self) {
        self.is_held_back.store(false, Ordering::Relaxed);
    }

    /// Whether there are bytes to write.
    pub(super) fn has_unsent(&self) -> bool {
        self.has_unsent.load(Ordering::Relaxed)
    }

    /// Sets whether there are bytes to write.
    pub(super) fn set_unsent(&self, has_unsent: bool) {
        self.has_unsent.store(has_unsent, Ordering::Relaxed);
    }

    /// The bytes to write.
    pub(super) fn unsent(&self) -> MutexGuard<'_, Vec<u8>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the bytes that precede hyper's next write.
    pub(super) fn take_unsent(&self) -> Option<Vec<u8>> {
        self.has_unsent().then(|| {
            self.set_unsent(false);
            self.end_hold();
            std::mem::take(&mut *self.unsent())
        })
    }

    /// Releases the buffer, which is empty.
    pub(super) fn release_memory(&self) {
        *self.unsent() = Vec::new();
    }
}
