//! Which runners are in the rotation, and the bookkeeping of their permits under one short lock.

mod manual_checks;
mod max_clients;
mod pausing;
mod refusals;
mod releases;
mod requests;
mod stop;
mod waits;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::arriving::ArrivingRequests;
use super::client_address::ClientAddress;
use super::limits::Limits;
use super::lost_requests::LostRequests;
use super::permits::{Arrival, Drained, PermitTable, Priority};
use super::queued::QueuedRequest;
use super::refusal_counts::RefusalCounts;
use super::refusal_log::RefusalLog;
use super::report::{Report, Reports};
use super::runner::ServingRunner;
use super::timer::TickClock;
use super::wait_cause::{AwaitedRunner, WaitCause};
use crate::fleet::Reason;
use crate::metrics::RequestMetrics;
use crate::{Address, RunnerId};

/// The runners that take requests, and the requests that wait for them.
///
/// The control side adds and removes runners; requests acquire permits. Each call is a short critical section and never
/// waits for another party.
#[derive(Debug)]
pub(crate) struct Balancer {
    limits: Limits,
    metrics: RequestMetrics,
    refusals: RefusalLog,
    refusal_counts: RefusalCounts,
    reports: Reports,
    pub(super) arriving: ArrivingRequests,
    /// Whether each response closes its connection, because the host stops (S66).
    closes_connections: AtomicBool,
    /// How many clients may be connected.
    max_clients: AtomicUsize,
    /// Notified when a pause ends.
    resumed: Notify,
    state: Mutex<BalancerState>,
}

#[derive(Debug)]
struct BalancerState {
    permits: PermitTable<Arc<ServingRunner>, QueuedRequest>,
    stop: StopPhase,
    /// While no runner is in the rotation: the one that requests wait for.
    awaited: Option<AwaitedRunner>,
}

/// How far the host has stopped.
#[derive(Debug)]
enum StopPhase {
    Serving,
    /// Clients may still send requests over the connections that they have (S66c). The runners that the control side has
    /// removed meanwhile stay until this ends.
    Lingering {
        leaving: Vec<RunnerId>,
    },
    Stopped,
}

/// What a request gets that asks for a permit.
#[derive(Debug)]
pub(super) enum Acquired {
    /// A permit of this runner. The caller must release it.
    Permit(Arc<ServingRunner>),
    /// A position in the queue, since this moment. The runner of the permit will be sent to the receiver; the caller must
    /// release that permit, or cancel the arrival.
    Queued(Arrival, Instant, oneshot::Receiver<Arc<ServingRunner>>),
    /// As many requests wait as the queue holds.
    QueueFull(WaitCause),
    /// The host stops.
    Stopping,
}

/// Whether the queue's limit applies to a request. One that has asked before is exempt: it moves to another runner (S39), or the
/// rest of its body has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueLimit {
    Applies,
    Exempt,
}

/// Longer timeouts are treated as this one: timers cannot represent every duration.
const MAX_WAIT: Duration = Duration::from_secs(86_400 * 365);

/// How long a runner that has broken off a connection is given no request. A dying process closes its sockets one after
/// the other, usually within a millisecond, the listener among the last.
const EJECT_FOR: Duration = Duration::from_millis(5);

impl Balancer {
    /// A balancer without runners: requests wait until one is added.
    pub(crate) fn new(mut limits: Limits, reports: Reports) -> Arc<Self> {
        limits.queue_timeout = limits.queue_timeout.min(MAX_WAIT);
        let permits = PermitTable::new(limits.max_multiplexing.max(1));
        let metrics = RequestMetrics::new(limits.endpoints.iter().map(String::as_str));
        Arc::new(Self {
            max_clients: AtomicUsize::new(limits.clients),
            limits,
            metrics,
            refusals: RefusalLog::default(),
            refusal_counts: RefusalCounts::default(),
            reports,
            arriving: ArrivingRequests::default(),
            closes_connections: AtomicBool::new(false),
            resumed: Notify::new(),
            state: Mutex::new(BalancerState { permits, stop: StopPhase::Serving, awaited: None }),
        })
    }

    /// Adds a runner to the rotation. Requests that wait are dispatched to it at once.
    pub(crate) fn add(&self, id: RunnerId, address: Address) {
        self.lock().permits.add(id, Arc::new(ServingRunner::new(id, address)));
        self.dispatch();
    }

    /// Takes a runner out of the rotation. Its requests in flight go on; its idle connections close; permits held for a
    /// check are released (S30); later requests for a check are ignored (S32). When no request is in flight any more,
    /// [`Report::Drained`] is sent.
    ///
    /// While the host lingers, the runner leaves only at the end of that.
    pub(crate) fn remove(&self, id: RunnerId) {
        if let StopPhase::Lingering { leaving } = &mut self.lock().stop {
            leaving.push(id);
            return;
        }
        self.remove_now(id);
    }

    /// Takes a runner out of the rotation, even while the host lingers.
    pub(crate) fn remove_now(&self, id: RunnerId) {
        let (runner, drained) = {
            let permits = &mut self.lock().permits;
            (permits.route(id).cloned(), permits.remove(id))
        };
        if let Some(runner) = runner {
            runner.close();
        }
        self.report_drained(id, drained);
    }

    /// The host sends the runner SIGTERM or SIGKILL for this reason: requests that it loses from now on say so (S39c).
    pub(crate) fn ends_by_host(&self, id: RunnerId, reason: Reason) {
        if let Some(runner) = self.lock().permits.route(id) {
            // The first reason wins (S36).
            let _ = runner.ended_by_host.set(reason);
        }
    }

    /// Why the host has ended the runner, if it has.
    #[cfg(test)]
    pub(crate) fn ended_by_host(&self, id: RunnerId) -> Option<Reason> {
        self.lock().permits.route(id)?.ended_by_host.get().copied()
    }

    /// Drops everything that is known of a runner whose process has exited. Returns where the requests are kept that are
    /// lost with it.
    pub(crate) fn forget(&self, id: RunnerId) -> Option<Arc<LostRequests>> {
        let runner = self.lock().permits.forget(id)?;
        runner.close();
        Some(Arc::clone(&runner.lost))
    }

    /// The last counted check of the runner failed: it gets a request only if no other runner has a free permit (S38g).
    pub(crate) fn dispatch_last(&self, id: RunnerId) {
        self.lock().permits.dispatch_last(id);
    }

    /// The runner has passed a check: it gets requests like any other.
    pub(crate) fn dispatch_normally(&self, id: RunnerId) {
        self.lock().permits.dispatch_normally(id);
    }

    /// From now on each response closes its connection, since the host will stop (S66a).
    pub(crate) fn close_connections(&self) {
        self.closes_connections.store(true, Ordering::Relaxed);
    }

    /// Whether each response closes its connection.
    pub(crate) fn closes_connections(&self) -> bool {
        self.closes_connections.load(Ordering::Relaxed)
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is counted of requests.
    pub(crate) const fn metrics(&self) -> &RequestMetrics {
        &self.metrics
    }

    /// Takes a permit, or a position in the queue. `arrival` is set at the first call and kept when the request moves.
    pub(super) fn acquire(
        &self,
        client: ClientAddress,
        arrival: &mut Option<Arrival>,
        priority: Priority,
        limit: QueueLimit,
    ) -> Acquired {
        let mut state = self.lock();
        if matches!(state.stop, StopPhase::Stopped) {
            return Acquired::Stopping;
        }
        let arrival = arrival.get_or_insert_with(|| state.permits.arrive(client));
        if let Some(runner) = state.permits.try_acquire(arrival.with(priority)) {
            return Acquired::Permit(runner);
        }
        if matches!(state.stop, StopPhase::Lingering { .. }) {
            return Acquired::Stopping;
        }
        let is_full = limit == QueueLimit::Applies && state.permits.waiting() >= self.limits.queue;
        if is_full && state.permits.make_room(arrival.with(priority)).is_none() {
            return Acquired::QueueFull(state.wait_cause());
        }
        let ((runner, receiver), since) = (oneshot::channel(), Instant::now());
        arrival.wait_from(since);
        let arrival = arrival.with(priority);
        state.permits.enqueue(arrival, QueuedRequest { since, runner });
        Acquired::Queued(arrival, since, receiver)
    }

    /// Removes a request from the queue.
    pub(super) fn cancel(&self, arrival: Arrival) {
        let waiter = self.lock().permits.cancel(arrival);
        drop(waiter);
    }

    /// Gives a runner that has broken off a request no request for [`EJECT_FOR`], and then only over fresh connections:
    /// it may be dying, and would lose them (S39).
    pub(super) fn eject(self: &Arc<Self>, runner: &ServingRunner) {
        self.lock().permits.eject(runner.id);
        runner.close_idle();
        let (balancer, id) = (Arc::clone(self), runner.id);
        tokio::spawn(async move {
            tokio::time::sleep(EJECT_FOR).await;
            balancer.lock().permits.readmit(id);
            balancer.dispatch();
        });
    }

    /// Takes a runner that refused two connections out of the rotation and reports it (S39).
    pub(super) fn unreachable(&self, runner: &ServingRunner, refused: String) {
        self.suspend(runner, Report::Unreachable(runner.id, refused));
    }

    /// Takes a runner that says that it cannot go on out of the rotation and reports it (S58).
    pub(super) fn stop_runner(&self, runner: &ServingRunner) {
        self.suspend(runner, Report::StopRequested(runner.id));
    }

    /// Takes a runner out of the rotation and reports why, unless it has left already.
    fn suspend(&self, runner: &ServingRunner, why: Report) {
        let was_in_service = self.lock().permits.suspend(runner.id);
        if was_in_service {
            runner.close();
            self.report(why);
        }
    }

    /// Closes the connections to runners that have been idle for too long. Returns whether any are left.
    pub(super) fn retire_idle(&self, clock: &TickClock) -> bool {
        self.lock().permits.routes().filter(|runner| runner.retire_idle(clock)).count() > 0
    }

    /// How many requests wait for a permit.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().permits.waiting()
    }

    /// How many requests wait with a priority.
    #[cfg(test)]
    pub(super) fn waiting_with(&self, priority: Priority) -> usize {
        self.lock().permits.waiting_with(priority)
    }

    /// How many of the runner's idle connections can be used.
    #[cfg(test)]
    pub(super) fn kept(&self, id: RunnerId) -> usize {
        self.lock().permits.route(id).map_or(0, |runner| runner.kept())
    }

    fn report_drained(&self, id: RunnerId, drained: Drained) {
        if drained == Drained::Yes {
            self.report(Report::Drained(id));
        }
    }

    /// Sends a report. The receiver is dropped only with the host.
    fn report(&self, report: Report) {
        let _ = self.reports.events.send(report);
    }

    fn lock(&self) -> MutexGuard<'_, BalancerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
