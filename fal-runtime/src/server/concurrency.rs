//! The limit on concurrent calls, and the calls that run.

use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The calls that a runner is serving: at most `max_multiplexing` at a time, calls of the health endpoint exempt
/// (S14, S38). A request above the limit waits here, first come first served, and is not refused.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    places: Arc<Semaphore>,
    running: Mutex<RunningCalls>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct RunningCalls {
    /// In the order of their start.
    calls: Vec<RunningCall>,
    entered: u64,
}

#[derive(Clone, Copy, Debug)]
struct RunningCall {
    id: u64,
    path: &'static str,
    /// None of a call of the health endpoint: that is no request (S14).
    started: Option<Instant>,
}

impl ConcurrencyLimit {
    /// No call runs; at most `max_multiplexing` will at a time.
    pub fn new(max_multiplexing: NonZeroU32) -> Arc<Self> {
        let places =
            usize::try_from(max_multiplexing.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            running: Mutex::default(),
            ended: Notify::new(),
        })
    }

    /// The paths of the endpoints whose calls still run, a call each. A blocking call that its client has abandoned
    /// is one of them until it returns (S38).
    pub fn running_paths(&self) -> Vec<&'static str> {
        self.lock().calls.iter().map(|call| call.path).collect()
    }

    /// How long the oldest request has been served; none where there is none.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "runners report it to their host"))]
    pub(crate) fn oldest_age(&self) -> Option<Duration> {
        self.lock().calls.iter().find_map(|call| call.started).map(|started| started.elapsed())
    }

    /// Resolves when no call runs. Calls that wait for a place do not run yet. Cancelling it loses nothing.
    pub async fn idle(&self) {
        loop {
            // Made before the look: a call that ends between the two is not missed.
            let ended = self.ended.notified();
            if self.lock().calls.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Waits for a place under the limit. Dropping the future leaves the queue.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        path: &'static str,
        hold: Option<ConnectionHold>,
    ) -> CallGuard {
        // Nobody closes the semaphore; were it closed, there would be no limit any more.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        self.enter(path, hold, permit)
    }

    /// A place outside the limit, for the health endpoint (S14).
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
        CallGuard { _hold: hold, _permit: permit, _entry: CallEntry { calls: Arc::clone(self), id } }
    }

    fn lock(&self) -> MutexGuard<'_, RunningCalls> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place, and the connection it came by: held by whatever runs the call, given back when that has ended.
///
/// The entry goes last: when no call runs, every place is free and every connection let go.
#[derive(Debug)]
pub(crate) struct CallGuard {
    _hold: Option<ConnectionHold>,
    _permit: Option<OwnedSemaphorePermit>,
    _entry: CallEntry,
}

/// A call among those that run.
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

/// Keeps a client's connection open for as long as any clone of it lives.
///
/// A server puts one into the extensions of every request, and closes a connection only when all clones are gone: a
/// blocking call that its client has abandoned so keeps its connection, and with it the host's slot, until it
/// returns (S38).
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
