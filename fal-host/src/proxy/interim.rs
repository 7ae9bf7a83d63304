//! The interim responses that wait until they are written to a client.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::Version;

/// How many bytes of interim responses may wait behind those that are being written. Further ones are dropped.
const MAX_INTERIM: usize = 64 * 1024;

/// The interim responses to the current request of a client. One task works with them.
#[derive(Debug, Default)]
pub(super) struct InterimResponses {
    /// Whether further ones can be sent: the client knows them, and the response has not begun.
    are_possible: AtomicBool,
    are_there: AtomicBool,
    waiting: Mutex<Vec<u8>>,
}

impl InterimResponses {
    /// A request of this version has arrived. Before HTTP/1.1 clients know no interim responses.
    pub(super) fn begin(&self, version: Version) {
        self.are_possible.store(version == Version::HTTP_11, Ordering::Relaxed);
    }

    /// The response begins: no interim response can come before it any more.
    pub(super) fn end(&self) {
        self.are_possible.store(false, Ordering::Relaxed);
    }

    /// Whether further ones can be sent.
    pub(super) fn are_possible(&self) -> bool {
        self.are_possible.load(Ordering::Relaxed)
    }

    /// Sends one, unless the response has begun or the client knows none.
    pub(super) fn send(&self, head: &[u8]) {
        if self.are_possible() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() + head.len() <= MAX_INTERIM {
                waiting.extend_from_slice(head);
                self.are_there.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Whether some are to be written now.
    pub(super) fn are_there(&self) -> bool {
        self.are_there.load(Ordering::Relaxed)
    }

    /// Takes those that are to be written now.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        self.are_there().then(|| {
            self.are_there.store(false, Ordering::Relaxed);
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}
