//! Threads for blocking health checks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::kept_thread::KeptThread;
use crate::error::{Context, Error};

/// Runs blocking health functions on their own threads, so that they never wait for a thread that requests use
/// (S14).
///
/// While a call is past the deadline of a check, further calls are answered with status 503 at once, and no call is
/// started (S13). While an abandoned call is within its deadline, further calls wait until it returns or its
/// deadline passes. So calls do not pile up behind a hung function, and do not fail because a client has
/// disconnected early. Other calls run concurrently.
#[derive(Debug)]
pub(super) struct HealthThreads {
    deadline: Duration,
    kept: KeptThread,
    calls: Mutex<ThreadTable>,
    returned: Notify,
}

#[derive(Debug, Default)]
struct ThreadTable {
    /// In the order of their start, and so of their deadlines.
    running: Vec<RunningThread>,
    started: u64,
}

/// The maximum number of concurrent calls. Checks need two at most; the rest is for clients.
const MAX_THREADS: usize = 16;

#[derive(Debug)]
struct RunningThread {
    id: u64,
    started: Instant,
    is_abandoned: bool,
}

enum Admission {
    Started(u64),
    /// Wait until a call returns, at most until this time.
    Wait(Instant),
    Refused,
}

impl HealthThreads {
    /// Threads for a health check with this timeout.
    pub(super) fn new(timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            deadline: timeout,
            kept: KeptThread::default(),
            calls: Mutex::default(),
            returned: Notify::new(),
        })
    }

    /// Runs `work` on a thread of its own. When this future is dropped the work goes on until it returns.
    pub(super) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let call = ThreadGuard { id: self.admit().await?, threads: Arc::clone(&self) };
        let (answer, answered) = oneshot::channel();
        let runtime = Handle::current();
        let id = call.id;
        let job = move || {
            let _runtime = runtime.enter();
            let done = work();
            drop(call);
            // An abandoned call has no caller.
            let _ = answer.send(done);
        };
        let started = self.kept.run(Box::new(job));
        started.context("no thread for the health check").status(StatusCode::SERVICE_UNAVAILABLE)?;
        let waiting = CallerGuard { id, threads: self };
        let done = answered.await.context("the health check's thread has ended")?;
        drop(waiting);
        Ok(done)
    }

    async fn admit(&self) -> Result<u64, Error> {
        loop {
            // Made before the look: a call that returns between the two is not missed.
            let returned = self.returned.notified();
            match self.try_admit(Instant::now()) {
                Admission::Started(id) => return Ok(id),
                Admission::Wait(until) => {
                    let _ = timeout_at(until, returned).await;
                }
                Admission::Refused => {
                    return Err(Error::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "an earlier health check is past its deadline and still runs",
                    ));
                }
            }
        }
    }

    fn try_admit(&self, now: Instant) -> Admission {
        let mut calls = self.lock();
        let overdue_at = |call: &RunningThread| call.started + self.deadline;
        let is_closed =
            calls.running.len() >= MAX_THREADS || calls.running.iter().any(|call| call.is_abandoned);
        match calls.running.first().map(overdue_at) {
            Some(deadline) if deadline <= now => Admission::Refused,
            Some(deadline) if is_closed => Admission::Wait(deadline),
            _ => {
                let id = calls.started;
                calls.started += 1;
                calls.running.push(RunningThread { id, started: now, is_abandoned: false });
                Admission::Started(id)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ThreadTable> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the thread: the call has returned when this is dropped.
struct ThreadGuard {
    id: u64,
    threads: Arc<HealthThreads>,
}

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        self.threads.lock().running.retain(|call| call.id != self.id);
        self.threads.returned.notify_waiters();
    }
}

/// Held by the caller. Dropping it before the call has returned abandons the call.
struct CallerGuard {
    id: u64,
    threads: Arc<HealthThreads>,
}

impl Drop for CallerGuard {
    fn drop(&mut self) {
        if let Some(call) = self.threads.lock().running.iter_mut().find(|call| call.id == self.id) {
            call.is_abandoned = true;
        }
    }
}
