//! Defers writes until the other ready tasks of the thread have run.
//!
//! A thread first reads from many connections, and then writes to many. One wake-up of a program at the other end covers several
//! messages.

use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinSet, unconstrained};

/// A message whose write is deferred.
pub(super) trait DeferredWrite: Debug + Send + Sync {
    /// Writes as much as the socket takes. Wakes the task that deferred the write if something is left for it.
    fn write(&self);
}

/// Performs the deferred writes of one thread.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// `None`: each write is done at once.
    deferred: Mutex<Option<Deferred>>,
}

#[derive(Debug)]
struct Deferred {
    writes: Vec<Arc<dyn DeferredWrite>>,
    /// Wakes the task that performs them.
    waker: Waker,
}

impl Writer {
    /// Starts the writer of a runtime with one thread. On a runtime with several threads, one task would write for all of them:
    /// there the writer performs each write at once.
    pub(super) fn start(tasks: &mut JoinSet<()>, runtime: &Handle) -> Arc<Self> {
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return Arc::default();
        }
        let deferred = Deferred { writes: Vec::new(), waker: Waker::noop().clone() };
        let writer = Arc::new(Self { deferred: Mutex::new(Some(deferred)) });
        let mut running = Running { writer: Arc::clone(&writer), writes: Vec::new() };
        // The writes of one turn are as many as tasks were ready.
        tasks.spawn_on(unconstrained(poll_fn(move |cx| running.poll_write(cx))), runtime);
        writer
    }

    /// Performs the write after the other ready tasks have run, or at once.
    pub(super) fn add(&self, write: Arc<dyn DeferredWrite>) {
        if let Some(Deferred { writes, waker }) = &mut *self.lock() {
            if writes.is_empty() {
                waker.wake_by_ref();
            }
            writes.push(write);
            return;
        }
        write.write();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Deferred>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writer whose task runs.
#[derive(Debug)]
struct Running {
    writer: Arc<Writer>,
    /// Only memory.
    writes: Vec<Arc<dyn DeferredWrite>>,
}

impl Running {
    /// Performs the writes. Never ends.
    fn poll_write(&mut self, cx: &Context<'_>) -> Poll<()> {
        if let Some(Deferred { writes, waker }) = &mut *self.writer.lock() {
            waker.clone_from(cx.waker());
            std::mem::swap(&mut self.writes, writes);
        }
        for deferred in self.writes.drain(..) {
            deferred.write();
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
