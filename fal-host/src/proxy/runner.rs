//! One runner, as the requests see it that are dispatched to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::holders::Holders;
use super::timer::TickClock;
use super::upstream::Upstream;
use crate::{Address, RunnerId};

/// One runner: where it listens, and its idle connections.
#[derive(Debug)]
pub(super) struct ServingRunner {
    pub(super) id: RunnerId,
    pub(super) address: Address,
    /// Idle connections, the last used on top; `None` once the runner is out of service.
    idle: Mutex<Option<Idle>>,
    pub(super) holders: Holders,
    closed: Notify,
    warned: AtomicBool,
}

type Idle = Vec<Box<Upstream>>;

impl ServingRunner {
    pub(super) fn new(id: RunnerId, address: Address) -> Self {
        Self {
            id,
            address,
            idle: Mutex::new(Some(Vec::new())),
            holders: Holders::default(),
            closed: Notify::const_new(),
            warned: AtomicBool::new(false),
        }
    }

    /// Takes the idle connection that was used last, unless it has been idle for too long.
    pub(super) fn pop(&self, clock: &TickClock) -> Option<Box<Upstream>> {
        let mut idle = self.lock();
        let idle = idle.as_mut()?;
        loop {
            let connection = idle.pop()?;
            if is_fresh(&connection, clock) {
                return Some(connection);
            }
        }
    }

    /// Closes the connections that have been idle for too long. Returns whether any are left.
    pub(super) fn retire_idle(&self, clock: &TickClock) -> bool {
        self.lock().as_mut().is_some_and(|idle| {
            idle.retain(|connection| is_fresh(connection, clock));
            !idle.is_empty()
        })
    }

    /// Keeps an idle connection. Closes it if the runner is out of service.
    pub(super) fn push(&self, connection: Box<Upstream>) {
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

    /// How many idle connections the runner has not closed.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let mut idle = self.lock();
        let idle = idle.iter_mut().flatten();
        idle.map(|connection| connection.is_alive()).filter(|alive| *alive).count()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an idle connection is kept where its runner does not say how long it keeps it. Widespread servers close theirs
/// after 5 s. A request that is sent at that moment would be lost (S39c).
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The least time between the last use of a connection and the moment at which its runner closes it.
const IDLE_MARGIN: Duration = Duration::from_secs(1);

fn is_fresh(connection: &Upstream, clock: &TickClock) -> bool {
    let timeout = connection.keep_alive.map_or(IDLE_TIMEOUT, |kept| kept.saturating_sub(IDLE_MARGIN));
    !timeout.is_zero() && clock.now().saturating_sub(connection.idle_since) <= clock.ticks_within(timeout)
}
