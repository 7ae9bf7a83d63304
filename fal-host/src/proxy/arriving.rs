//! Requests that have asked for no permit yet, since their bodies still arrive (S56a).

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many there are. A host that stops keeps its runners for them.
#[derive(Debug, Default)]
pub(super) struct ArrivingRequests(AtomicUsize);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct ArrivingRequest<'a>(&'a ArrivingRequests);

impl ArrivingRequests {
    pub(super) fn begin(&self) -> ArrivingRequest<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        ArrivingRequest(self)
    }

    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for ArrivingRequest<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
