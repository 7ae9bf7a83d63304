//! Which of two hosts a line of the log is from, during an upgrade (S93b).

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether another host writes to the same log.
static IS_SHARED: AtomicBool = AtomicBool::new(false);

/// From now on, or no longer, lines of the log have the process id of this host.
pub(super) fn show(is_shared: bool) {
    IS_SHARED.store(is_shared, Ordering::Relaxed);
}

/// The process id of this host, if its lines show it.
pub(super) fn shown() -> Option<u32> {
    IS_SHARED.load(Ordering::Relaxed).then(std::process::id)
}
