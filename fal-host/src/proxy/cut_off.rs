//! Why the host cuts a client off.

use std::sync::atomic::{AtomicBool, Ordering};

/// Which limits a client has reached that end its connection, or its stream of HTTP/2.
#[derive(Debug, Default)]
pub(super) struct CutOff {
    stalled: AtomicBool,
    #[cfg(feature = "http2")]
    flooded: AtomicBool,
}

impl CutOff {
    /// The client has transferred too little for `client_timeout`.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    /// Whether the client has transferred too little for `client_timeout`.
    pub(super) fn has_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    /// The client has sent more frames of HTTP/2 than it may (S51d).
    #[cfg(feature = "http2")]
    pub(super) fn flood(&self) {
        self.flooded.store(true, Ordering::Relaxed);
    }

    /// Whether the client has sent more frames of HTTP/2 than it may.
    #[cfg(feature = "http2")]
    pub(super) fn has_flooded(&self) -> bool {
        self.flooded.load(Ordering::Relaxed)
    }
}
