//! The thread of a client, as the client knows it.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// One of the threads that serve clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadIndex(pub(super) usize);

/// The thread of a client.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) index: ThreadIndex,
    pub(super) writer: Arc<dyn ThreadWriter>,
}

/// Performs the writes of a thread.
pub(super) trait ThreadWriter: Any + Debug + Send + Sync {
    /// Performs the write after the other ready tasks have run, or at once.
    fn write_later(&self, write: Arc<dyn DeferredWrite>);
}

/// A message whose write is deferred.
pub(super) trait DeferredWrite: Debug + Send + Sync {
    /// Writes as much as the socket takes. Wakes the task that deferred the write if something is left for it.
    fn write(&self);
}

/// Defers nothing.
#[derive(Debug)]
pub(super) struct PromptWriter;

impl ThreadWriter for PromptWriter {
    fn write_later(&self, write: Arc<dyn DeferredWrite>) {
        write.write();
    }
}

impl Default for Thread {
    fn default() -> Self {
        Self { index: ThreadIndex::default(), writer: Arc::new(PromptWriter) }
    }
}
