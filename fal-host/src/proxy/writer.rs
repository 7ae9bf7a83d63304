//! Defers writes until the other ready tasks of the thread have run.
//!
//! A thread first reads from many connections, and then writes to many. One wake-up of a program at the other end covers several
//! messages.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use slab::Slab;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinSet, unconstrained};

use super::client::Client;
use super::permit::Permit;
use super::upstream::Upstream;

/// Performs the deferred writes of one thread.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Whether writes may be deferred. Otherwise each is done at once.
    defers: bool,
    /// `None`: its task has not begun or has ended.
    deferred: Mutex<Option<DeferredWrites>>,
}

#[derive(Debug)]
struct DeferredWrites {
    /// The requests that their exchanges have not taken back yet.
    requests: Slab<DeferredRequest>,
    /// Those that are not written yet.
    unwritten: Vec<usize>,
    /// The clients with responses that are not written yet.
    clients: Vec<Arc<Client>>,
    /// Wakes the task that performs the writes.
    waker: Waker,
}

#[derive(Debug)]
struct DeferredRequest {
    upstream: Box<Upstream>,
    permit: Permit,
    /// Wakes the task of the exchange.
    waker: Waker,
}

/// A request whose write is deferred: its number in the writer.
#[derive(Debug)]
pub(super) struct DeferredRequestKey(usize);

impl Writer {
    /// Starts the writer of a runtime with one thread. On a runtime with several threads, one task would write for all of them:
    /// there the writer defers nothing.
    pub(super) fn start(tasks: &mut JoinSet<()>, runtime: &Handle) -> Arc<Self> {
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return Arc::default();
        }
        let deferred = DeferredWrites {
            requests: Slab::new(),
            unwritten: Vec::new(),
            clients: Vec::new(),
            waker: Waker::noop().clone(),
        };
        let writer = Arc::new(Self { defers: true, deferred: Mutex::new(Some(deferred)) });
        let mut running = Running { writer: Arc::clone(&writer), clients: Vec::new() };
        // The writes of one turn are as many as tasks were ready.
        tasks.spawn_on(unconstrained(poll_fn(move |cx| running.poll_write(cx))), runtime);
        writer
    }

    /// Whether writes may be deferred.
    pub(super) const fn defers(&self) -> bool {
        self.defers
    }

    /// Defers the write of the request that the connection has begun, until the other ready tasks have run. `waker` wakes the task of
    /// its exchange. The error has the request that cannot be deferred, because the writer has ended.
    pub(super) fn defer_request(
        &self,
        (upstream, permit): (Box<Upstream>, Permit),
        waker: &Waker,
    ) -> Result<DeferredRequestKey, (Box<Upstream>, Permit)> {
        let mut deferred = self.lock();
        let Some(deferred) = &mut *deferred else { return Err((upstream, permit)) };
        deferred.wake();
        let key = deferred.requests.insert(DeferredRequest { upstream, permit, waker: waker.clone() });
        deferred.unwritten.push(key);
        Ok(DeferredRequestKey(key))
    }

    /// Takes a request back. It may have been written meanwhile. `None`: the writer has ended.
    pub(super) fn take_request(
        &self,
        DeferredRequestKey(key): DeferredRequestKey,
    ) -> Option<(Box<Upstream>, Permit)> {
        let DeferredRequest { upstream, permit, .. } = self.lock().as_mut()?.requests.try_remove(key)?;
        Some((upstream, permit))
    }

    /// Writes the deferred response of a client after the other ready tasks have run, or at once.
    pub(super) fn write_later(&self, client: &Arc<Client>) {
        if let Some(deferred) = self.lock().as_mut() {
            deferred.wake();
            deferred.clients.push(Arc::clone(client));
            return;
        }
        client.write_deferred();
    }

    fn lock(&self) -> MutexGuard<'_, Option<DeferredWrites>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeferredWrites {
    /// Wakes the task that performs the writes, if this is the first one of its turn.
    fn wake(&self) {
        if self.unwritten.is_empty() && self.clients.is_empty() {
            self.waker.wake_by_ref();
        }
    }

    fn write_requests(&mut self) {
        for key in self.unwritten.drain(..) {
            // Its exchange may have taken it back, and another one may have its number.
            if let Some(DeferredRequest { upstream, waker, .. }) = self.requests.get_mut(key)
                && upstream.is_deferred()
                && !upstream.write_deferred()
            {
                waker.wake_by_ref();
            }
        }
    }
}

/// A writer whose task runs.
#[derive(Debug)]
struct Running {
    writer: Arc<Writer>,
    /// Only memory.
    clients: Vec<Arc<Client>>,
}

impl Running {
    /// Performs the writes. Never ends.
    fn poll_write(&mut self, cx: &Context<'_>) -> Poll<()> {
        if let Some(deferred) = &mut *self.writer.lock() {
            deferred.waker.clone_from(cx.waker());
            deferred.write_requests();
            std::mem::swap(&mut self.clients, &mut deferred.clients);
        }
        for client in self.clients.drain(..) {
            client.write_deferred();
        }
        Poll::Pending
    }
}

impl Drop for Running {
    /// Drops what is deferred: clients refer to their writer.
    fn drop(&mut self) {
        let deferred = self.writer.lock().take();
        drop(deferred);
    }
}
