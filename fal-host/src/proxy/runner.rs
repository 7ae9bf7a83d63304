use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::upstream::Handle;
use crate::{Address, RunnerId};

/// One runner, as a request that was given to it sees it.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) id: RunnerId,
    pub(super) address: Address,
    /// Connections that serve no request, the last used on top; nothing once the runner is out of service.
    idle: Mutex<Option<Vec<Handle>>>,
    closed: Notify,
    warned: AtomicBool,
}

impl Runner {
    pub(super) const fn new(id: RunnerId, address: Address) -> Self {
        Self {
            id,
            address,
            idle: Mutex::new(Some(Vec::new())),
            closed: Notify::const_new(),
            warned: AtomicBool::new(false),
        }
    }

    /// The connection that was used last, without those that have closed since.
    pub(super) fn pop(&self) -> Option<Handle> {
        let mut idle = self.lock();
        let idle = idle.as_mut()?;
        loop {
            let handle = idle.pop()?;
            if handle.is_ready() {
                return Some(handle);
            }
        }
    }

    /// Keeps a connection, unless the runner is out of service: then it closes.
    pub(super) fn push(&self, handle: Handle) {
        if let Some(idle) = self.lock().as_mut() {
            idle.push(handle);
        }
    }

    /// Closes every connection that serves no request. Whether the runner still takes requests, a fresh one tells.
    pub(super) fn close_idle(&self) {
        let idle = self.lock().as_mut().map(std::mem::take);
        drop(idle);
    }

    /// Closes every connection that serves no request, and will keep none.
    pub(super) fn close(&self) {
        let idle = self.lock().take();
        drop(idle);
        self.closed.notify_waiters();
    }

    /// Resolves once the runner is out of service.
    pub(super) async fn closed(&self) {
        let closed = self.closed.notified();
        // Who closes now is heard: being notified counts from the line above, not from the first poll.
        if self.lock().is_some() {
            closed.await;
        }
    }

    /// Says once in a runner's life that it asks for checks that its app does not have (S32).
    pub(super) fn warn_of_no_health_check(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                runner = %self.id,
                "a response asked for a health check, but the app declares none: ignored"
            );
        }
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.lock().iter().flatten().filter(|handle| handle.is_ready()).count()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Handle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
