//! Why the host cuts a client off.

use std::sync::atomic::{AtomicBool, Ordering};

use super::client::Client;

/// Which limits a client has reached that end its connection, or its stream of HTTP/2.
#[derive(Debug, Default)]
pub(super) struct CutOff {
    stalled: AtomicBool,
    #[cfg(feature = "http2")]
    flooded: AtomicBool,
}

impl Client {
    /// The client has transferred too little for `client_timeout`.
    pub(super) fn stall(&self) {
        self.cut_off.stalled.store(true, Ordering::Relaxed);
    }

    /// Whether the client has transferred too little for `client_timeout`.
    pub(super) fn has_stalled(&self) -> bool {
        self.cut_off.stalled.load(Ordering::Relaxed)
    }

    /// Whether the client, or the connection of its stream, has transferred too little for `client_timeout`.
    pub(super) fn was_cut_off(&self) -> bool {
        self.has_stalled() || self.connection().has_stalled()
    }

    /// The client has sent more frames of HTTP/2 than it may (S51d).
    #[cfg(feature = "http2")]
    pub(super) fn flood(&self) {
        self.cut_off.flooded.store(true, Ordering::Relaxed);
    }

    /// Whether the client, or the connection of its stream, has sent more frames of HTTP/2 than it may.
    #[cfg(feature = "http2")]
    pub(super) fn has_flooded(&self) -> bool {
        self.connection().cut_off.flooded.load(Ordering::Relaxed)
    }
}
