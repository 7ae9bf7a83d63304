//! How often a connection has been written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts how often hyper has written the frames of a connection that it has. One task counts and looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds(Arc<AtomicU64>);

impl Rounds {
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
