//! One runner, as the requests see it that are dispatched to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::client::Client;
use super::holders::{Holder, HolderId, Holders};
use super::lost_requests::LostRequests;
use super::timer::TickClock;
use super::upstream::Upstream;
use crate::check_requester::CheckRequester;
use crate::fleet::Reason;
use crate::{Address, RunnerId};

/// One runner: where it listens, and its idle connections.
#[derive(Debug)]
pub(super) struct ServingRunner {
    pub(super) id: RunnerId,
    pub(super) address: Address,
    state: Mutex<RunnerUse>,
    /// The requests that were lost with it.
    pub(super) lost: Arc<LostRequests>,
    /// Why the host has sent it SIGTERM or SIGKILL, if it has.
    pub(super) ended_by_host: OnceLock<Reason>,
    /// What has asked for the next manual check.
    requester: Mutex<Option<CheckRequester>>,
    closed: Notify,
    warned: AtomicBool,
}

type Idle = Vec<Box<Upstream>>;

#[derive(Debug)]
struct RunnerUse {
    /// Idle connections, the last used on top; `None` once the runner is out of service.
    idle: Option<Idle>,
    holders: Holders,
}

impl ServingRunner {
    pub(super) fn new(id: RunnerId, address: Address) -> Self {
        Self {
            id,
            address,
            state: Mutex::new(RunnerUse { idle: Some(Vec::new()), holders: Holders::default() }),
            lost: Arc::default(),
            ended_by_host: OnceLock::new(),
            requester: Mutex::new(None),
            closed: Notify::const_new(),
            warned: AtomicBool::new(false),
        }
    }

    /// A request holds a permit of the runner from now on. Returns an idle connection, as [`pop`](Self::pop) does.
    pub(super) fn begin(
        &self,
        holder: Holder,
        client: &Client,
        permits: u32,
    ) -> (HolderId, Option<Box<Upstream>>) {
        let mut state = self.lock();
        let id = state.holders.insert(holder);
        (id, state.pop(client, permits))
    }

    /// Takes the idle connection that was used last by requests of the client's thread and has not been idle for too long. One of
    /// another thread is taken only if the runner has a connection for each of its `permits`: it may have no room for more (S105b).
    pub(super) fn pop(&self, client: &Client, permits: u32) -> Option<Box<Upstream>> {
        self.lock().pop(client, permits)
    }

    /// Closes the connections that have been idle for too long. Returns whether any are left.
    pub(super) fn retire_idle(&self, clock: &TickClock) -> bool {
        self.lock().idle.as_mut().is_some_and(|idle| {
            idle.retain(|connection| is_fresh(connection, clock));
            !idle.is_empty()
        })
    }

    /// The response to the request with this id begins.
    pub(super) fn respond(&self, id: HolderId) {
        self.lock().holders.respond(id);
    }

    /// A request does not hold its permit any more. Its connection is kept, or closed if the runner is out of service.
    pub(super) fn end(&self, holder: Option<HolderId>, connection: Option<Box<Upstream>>) {
        let mut state = self.lock();
        if let Some(holder) = holder {
            state.holders.remove(holder);
        }
        if let (Some(idle), Some(connection)) = (&mut state.idle, connection) {
            idle.push(connection);
        }
    }

    /// Names what asks for the next manual check, unless something has asked for it before (S31b).
    pub(super) fn set_requester(&self, requester: impl FnOnce() -> Option<CheckRequester>) {
        let mut named = self.requester.lock().unwrap_or_else(PoisonError::into_inner);
        if named.is_none() {
            *named = requester();
        }
    }

    /// What has asked for the manual check that starts now.
    pub(super) fn take_requester(&self) -> Option<CheckRequester> {
        self.requester.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How many requests hold permits of the runner.
    pub(super) fn in_flight(&self) -> usize {
        self.lock().holders.count()
    }

    /// The request with this id that holds a permit of the runner.
    pub(super) fn holder(&self, id: HolderId) -> Option<Holder> {
        self.lock().holders.get(id)
    }

    /// The requests that hold permits of the runner.
    pub(super) fn holders(&self) -> Vec<Holder> {
        self.lock().holders.all()
    }

    /// The request that has held its permit for the longest time.
    pub(super) fn oldest(&self) -> Option<Holder> {
        self.lock().holders.oldest()
    }

    /// Closes every idle connection. The next request opens a fresh one, which tells whether the runner still listens.
    pub(super) fn close_idle(&self) {
        let idle = self.lock().idle.as_mut().map(std::mem::take);
        drop(idle);
    }

    /// Closes every idle connection, and will keep none.
    pub(super) fn close(&self) {
        let idle = self.lock().idle.take();
        drop(idle);
        self.closed.notify_waiters();
    }

    /// Resolves once the runner is out of service.
    pub(super) async fn closed(&self) {
        let closed = self.closed.notified();
        // A `close` from here on is noticed: `Notified` counts from its creation, not from its first poll.
        if self.lock().idle.is_some() {
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
        let mut state = self.lock();
        let idle = state.idle.iter_mut().flatten();
        idle.map(|connection| connection.is_alive()).filter(|alive| *alive).count()
    }

    fn lock(&self) -> MutexGuard<'_, RunnerUse> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunnerUse {
    fn pop(&mut self, client: &Client, permits: u32) -> Option<Box<Upstream>> {
        let idle = self.idle.as_mut()?;
        loop {
            let own = idle.iter().rposition(|connection| connection.thread == client.thread.index);
            let has_room = || idle.len() + self.holders.count() <= permits.try_into().unwrap_or(usize::MAX);
            let index = match own {
                Some(index) => index,
                None if has_room() => return None,
                None => idle.len().checked_sub(1)?,
            };
            let connection = idle.remove(index);
            if is_fresh(&connection, client.timer.clock()) {
                return Some(connection);
            }
        }
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
