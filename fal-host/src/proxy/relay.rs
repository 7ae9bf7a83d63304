//! Whether the parts of a response may be written to a client past hyper ([`waiting_response`](super::waiting_response)).

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a client is written to past hyper. One task works with it.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// Whether the client is one without TLS.
    is_possible: AtomicBool,
    /// Whether hyper has written everything that it has, and its stream, too.
    is_open: AtomicBool,
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
}
