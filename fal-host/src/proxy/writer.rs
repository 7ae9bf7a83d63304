//! Defers writes until the other ready tasks of the thread have run.
//!
//! A thread first reads from many connections, and then writes to many. One wake-up of a program at the other end covers several
//! messages.

use std::any::Any;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use slab::Slab;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinSet, unconstrained};

use super::permit::Permit;
use super::thread::{DeferredWrite, PromptWriter, Thread, ThreadWriter};
use super::upstream::Upstream;

/// Performs the deferred writes of one thread.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None`: its task has ended.
    deferred: Mutex<Option<DeferredWrites>>,
}

#[derive(Debug)]
struct DeferredWrites {
    /// The requests that their exchanges have not taken back yet.
    requests: Slab<DeferredRequest>,
    /// Those that are not written yet.
    unwritten: Vec<usize>,
    /// The responses that are not written yet.
    responses: Vec<Arc<dyn DeferredWrite>>,
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
    /// there nothing is deferred.
    pub(super) fn start(tasks: &mut JoinSet<()>, runtime: &Handle) -> Arc<dyn ThreadWriter> {
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return Arc::new(PromptWriter);
        }
        let deferred = DeferredWrites {
            requests: Slab::new(),
            unwritten: Vec::new(),
            responses: Vec::new(),
            waker: Waker::noop().clone(),
        };
        let writer = Arc::new(Self { deferred: Mutex::new(Some(deferred)) });
        let mut running = Running { writer: Arc::clone(&writer), responses: Vec::new() };
        // The writes of one turn are as many as tasks were ready.
        tasks.spawn_on(unconstrained(poll_fn(move |cx| running.poll_write(cx))), runtime);
        writer
    }

    /// The writer of a thread, if that defers writes.
    pub(super) fn of(thread: &Thread) -> Option<&Self> {
        let writer: &dyn Any = &*thread.writer;
        writer.downcast_ref()
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

    fn lock(&self) -> MutexGuard<'_, Option<DeferredWrites>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ThreadWriter for Writer {
    fn write_later(&self, write: Arc<dyn DeferredWrite>) {
        if let Some(deferred) = self.lock().as_mut() {
            deferred.wake();
            deferred.responses.push(write);
            return;
        }
        write.write();
    }
}

impl DeferredWrites {
    /// Wakes the task that performs the writes, unless a write waits for it already.
    fn wake(&self) {
        if self.unwritten.is_empty() && self.responses.is_empty() {
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
    responses: Vec<Arc<dyn DeferredWrite>>,
}

impl Running {
    /// Performs the writes. Never ends.
    fn poll_write(&mut self, cx: &Context<'_>) -> Poll<()> {
        if let Some(deferred) = &mut *self.writer.lock() {
            deferred.waker.clone_from(cx.waker());
            deferred.write_requests();
            std::mem::swap(&mut self.responses, &mut deferred.responses);
        }
        for response in self.responses.drain(..) {
            response.write();
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
