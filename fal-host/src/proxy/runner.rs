//! One runner, as the requests see it that are dispatched to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::upstream::PooledConnection;
use crate::{Address, RunnerId};

/// One runner: where it listens, and its idle connections.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) id: RunnerId,
    pub(super) address: Address,
    /// Idle connections, the last used on top; `None` once the runner is out of service.
    idle: Mutex<Option<Vec<PooledConnection>>>,
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

    /// Takes the idle connection that was used last. Connections that have closed since are dropped.
    pub(super) fn pop(&self) -> Option<PooledConnection> {
        let mut idle = self.lock();
        let idle = idle.as_mut()?;
        loop {
            let connection = idle.pop()?;
            if connection.is_ready() {
                return Some(connection);
            }
        }
    }

    /// Keeps an idle connection. Closes it if the runner is out of service.
    pub(super) fn push(&self, connection: PooledConnection) {
        if let Some(idle) = self.lock().as_mut() {
            idle.push(connection);
        }
    }

    /// Closes every idle connection. The next request opens a fresh one, which tells whether the runner still listens.
    pub(super) fn close_idle(&self) {
        let idle = self.lock().as_mut().map(std::mem::take);
        drop(idle);
    }

    /// Closes every idle connection, and will keep none.
    pub(super) fn close(&self) {
        let idle = self.lock().take();
        drop(idle);
        self.closed.notify_waiters();
    }

    /// Resolves once the runner is out of service.
    pub(super) async fn closed(&self) {
        let closed = self.closed.notified();
        // A `close` from here on is noticed: `Notified` counts from its creation, not from its first poll.
        if self.lock().is_some() {
            closed.await;
        }
    }

    /// Warns, once in a runner's life, that a response asks for a check that the app does not declare (S32).
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
        self.lock().iter().flatten().filter(|connection| connection.is_ready()).count()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<PooledConnection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
