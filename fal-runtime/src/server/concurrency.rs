//! The limit on concurrent calls, and the calls that run.

use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Limits a runner to `max_multiplexing` concurrent calls ([S38](fal_health::semantics#s38)). Calls of the
/// health endpoint are exempt ([S14](fal_health::semantics#s14)). A request above the limit waits in a FIFO
/// queue.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    places: Arc<Semaphore>,
    running: Mutex<RunningCalls>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct RunningCalls {
    /// In the order of their start, and so of their ids.
    calls: Vec<RunningCall>,
    entered: u64,
}

#[derive(Clone, Copy, Debug)]
struct RunningCall {
    id: u64,
    path: &'static str,
    /// `None` for the health endpoint, which does not count as a request (S14).
    started: Option<Instant>,
}

impl ConcurrencyLimit {
    /// A limit of `max_multiplexing` calls.
    pub fn new(max_multiplexing: NonZeroU32) -> Arc<Self> {
        let places =
            usize::try_from(max_multiplexing.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            running: Mutex::default(),
            ended: Notify::new(),
        })
    }

    /// The endpoint paths of the running calls. An abandoned blocking call runs until it returns
    /// ([S38](fal_health::semantics#s38)).
    pub fn running_paths(&self) -> Vec<&'static str> {
        self.lock().calls.iter().map(|call| call.path).collect()
    }

    /// The age of the oldest running request.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "runners report it to their host"))]
    pub(crate) fn oldest_age(&self) -> Option<Duration> {
        self.lock().calls.iter().find_map(|call| call.started).map(|started| started.elapsed())
    }

    /// Waits until no call runs. Queued calls do not count. It is cancel-safe.
    pub async fn idle(&self) {
        loop {
            // Registered before the check, so that no end of a call is missed.
            let ended = self.ended.notified();
            if self.lock().calls.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Waits for a permit. Dropping the future leaves the queue.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        path: &'static str,
        hold: Option<ConnectionHold>,
    ) -> CallGuard {
        // While a call waits, no permit is free. The semaphore is never closed.
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => Arc::clone(&self.places).acquire_owned().await.ok(),
        };
        self.enter(path, hold, permit)
    }

    /// Enters a call without a permit, for the health endpoint (S14).
    pub(crate) fn enter_exempt(
        self: &Arc<Self>,
        path: &'static str,
        hold: Option<ConnectionHold>,
    ) -> CallGuard {
        self.enter(path, hold, None)
    }

    fn enter(
        self: &Arc<Self>,
        path: &'static str,
        hold: Option<ConnectionHold>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> CallGuard {
        let started = permit.is_some().then(Instant::now);
        let id = {
            let mut running = self.lock();
            running.entered += 1;
            let id = running.entered;
            running.calls.push(RunningCall { id, path, started });
            id
        };
        CallGuard { _hold: hold, permit, _entry: CallEntry { calls: Arc::clone(self), id } }
    }

    fn lock(&self) -> MutexGuard<'_, RunningCalls> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running call: its permit and its connection. The task of the call holds it until the call has ended.
///
/// The entry is dropped last: when no call runs, every permit and connection is released.
#[derive(Debug)]
pub(crate) struct CallGuard {
    _hold: Option<ConnectionHold>,
    permit: Option<OwnedSemaphorePermit>,
    _entry: CallEntry,
}

impl CallGuard {
    /// Ends the call, and keeps its permit for the connection that its response has switched to another protocol.
    pub(crate) fn switched(self) -> SwitchedPermit {
        SwitchedPermit(self.permit.map(Arc::new))
    }
}

/// The permit of a call whose response is 101, an extension of that response. The server keeps it until the connection
/// is closed ([S70](fal_health::semantics#s70)).
#[derive(Clone, Debug)]
pub(crate) struct SwitchedPermit(
    #[expect(dead_code, reason = "held for its drop")] Option<Arc<OwnedSemaphorePermit>>,
);

/// An entry in the list of running calls.
#[derive(Debug)]
struct CallEntry {
    calls: Arc<ConcurrencyLimit>,
    id: u64,
}

impl Drop for CallEntry {
    fn drop(&mut self) {
        let calls = &mut self.calls.lock().calls;
        if let Ok(at) = calls.binary_search_by_key(&self.id, |call| call.id) {
            calls.remove(at);
        }
        if calls.is_empty() {
            self.calls.ended.notify_waiters();
        }
    }
}

/// Keeps a client's connection open while any clone exists.
///
/// A server adds one to the extensions of every request, and closes the connection when all clones are
/// dropped. So a blocking call whose client has disconnected keeps its connection, and with it the host's
/// permit, until it returns ([S38](fal_health::semantics#s38)).
#[derive(Clone)]
pub struct ConnectionHold(#[expect(dead_code, reason = "held for its drop")] Arc<dyn Any + Send + Sync>);

impl ConnectionHold {
    /// A hold that drops `guard` with its last clone.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Arc::new(guard))
    }
}

impl fmt::Debug for ConnectionHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionHold")
    }
}
