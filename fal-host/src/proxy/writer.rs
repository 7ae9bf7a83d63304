//! Writes that wait until the tasks of their thread have run that are ready.
//!
//! So a thread first reads from many connections, and then writes to many. A program at the other end is woken once for several
//! messages, and not once for each.

use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Something that has a deferred write.
pub(super) trait DeferredWrite: Debug + Send + Sync {
    /// Writes as much as can be written at once. What is left is the task's that deferred the write: it is woken.
    fn write(&self);
}

/// Does the deferred writes of one thread.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// `None`: its task does not run.
    deferred: Mutex<Option<Deferred>>,
}

#[derive(Debug)]
struct Deferred {
    writes: Vec<Arc<dyn DeferredWrite>>,
    /// Wakes the task that does them.
    waker: Waker,
}

impl Writer {
    /// Starts the writer of the thread of this runtime.
    pub(super) fn start(tasks: &mut JoinSet<()>, runtime: &Handle) -> Arc<Self> {
        let deferred = Deferred { writes: Vec::new(), waker: Waker::noop().clone() };
        let writer = Arc::new(Self { deferred: Mutex::new(Some(deferred)) });
        let mut running = Running { writer: Arc::clone(&writer), writes: Vec::new() };
        tasks.spawn_on(poll_fn(move |cx| running.poll_write(cx)), runtime);
        writer
    }

    /// Whether writes can be deferred.
    pub(super) fn is_running(&self) -> bool {
        self.lock().is_some()
    }

    /// Does this write after the tasks have run that are ready now.
    pub(super) fn add(&self, write: Arc<dyn DeferredWrite>) {
        if let Some(Deferred { writes, waker }) = &mut *self.lock() {
            if writes.is_empty() {
                waker.wake_by_ref();
            }
            writes.push(write);
        }
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
    /// Does the writes. Never ends.
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
