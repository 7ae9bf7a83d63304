//! A request whose write to its runner is deferred ([`writer`](super::writer)).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::permit::Permit;
use super::upstream::Upstream;
use super::writer::{DeferredWrite, Writer};

/// A slot for a request whose write is deferred. Its exchange takes the request back in its next poll.
#[derive(Debug, Default)]
pub(super) struct DeferredRequest(Mutex<Option<UnwrittenRequest>>);

#[derive(Debug)]
struct UnwrittenRequest {
    upstream: Box<Upstream>,
    permit: Permit,
    /// Wakes the task of the exchange.
    waker: Waker,
}

impl DeferredRequest {
    /// Defers the write of the request that the connection has begun.
    pub(super) fn put(
        self: &Arc<Self>,
        writer: &Writer,
        upstream: Box<Upstream>,
        permit: Permit,
        waker: &Waker,
    ) {
        *self.lock() = Some(UnwrittenRequest { upstream, permit, waker: waker.clone() });
        writer.add(Arc::<Self>::clone(self));
    }

    /// Takes the request back. It may have been written meanwhile.
    pub(super) fn take(&self) -> Option<(Box<Upstream>, Permit)> {
        let UnwrittenRequest { upstream, permit, .. } = self.lock().take()?;
        Some((upstream, permit))
    }

    fn lock(&self) -> MutexGuard<'_, Option<UnwrittenRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeferredWrite for DeferredRequest {
    fn write(&self) {
        let mut unwritten = self.lock();
        let Some(UnwrittenRequest { upstream, waker, .. }) = &mut *unwritten else { return };
        if !upstream.write_deferred() {
            let waker = waker.clone();
            drop(unwritten);
            waker.wake();
        }
    }
}
