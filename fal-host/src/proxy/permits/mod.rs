//! The pure scheduler: which request gets which permit. No clock, locks or I/O.

mod arrival;
mod checks;
mod entry;
#[cfg(test)]
mod share_tests;
#[cfg(test)]
mod tests;
mod wait_queue;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use tokio::time::Instant;

pub(super) use arrival::{Arrival, Priority};
pub(super) use checks::CheckTicket;
use checks::Checks;
pub(super) use entry::Drained;
use entry::{Entry, Rank, Service};
use wait_queue::WaitQueue;

use super::client_address::ClientAddress;
use crate::RunnerId;

/// The runners with their permits, and the requests that wait for one.
///
/// `R` is what a request needs to know of its runner, `W` notifies a waiting request. After every call that can
/// free a permit, the caller calls [`next_grant`](Self::next_grant) until it returns `None`.
///
/// Invariant between calls, once that is done: while a request waits, no runner has a free permit, unless the table is
/// paused.
#[derive(Debug)]
pub(super) struct PermitTable<R, W> {
    each: u32,
    runners: BTreeMap<RunnerId, Entry<R>>,
    /// The runners in service with a free permit.
    free: BTreeSet<Rank>,
    queue: WaitQueue<W>,
    /// Since when requests wait although permits are free (S87c).
    paused: Option<Instant>,
    asked: BTreeSet<RunnerId>,
    /// A runner whose last released request was its last one by its limit.
    reached_limit: Option<RunnerId>,
    arrivals: u64,
    returns: u64,
}

/// A permit for a request that waited.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grant<R, W> {
    pub(super) waiter: W,
    pub(super) route: R,
}

impl<R: Clone, W> PermitTable<R, W> {
    /// A table without runners. Each runner will have `each` permits.
    pub(super) const fn new(each: u32) -> Self {
        Self {
            each,
            runners: BTreeMap::new(),
            free: BTreeSet::new(),
            queue: WaitQueue::new(),
            paused: None,
            asked: BTreeSet::new(),
            reached_limit: None,
            arrivals: 0,
            returns: 0,
        }
    }

    pub(super) const fn arrive(&mut self, client: ClientAddress) -> Arrival {
        self.arrivals += 1;
        Arrival::new(self.arrivals, client)
    }

    /// Takes a permit for a request, if one is free and no request waits that goes before it.
    pub(super) fn try_acquire(&mut self, arrival: Arrival) -> Option<R> {
        if self.queue.goes_before(arrival) {
            return None;
        }
        self.take_free()
    }

    /// Gives no permits since this time, or gives them again. One that is paused stays so since the first time. The caller then calls
    /// [`next_grant`](Self::next_grant).
    pub(super) fn set_paused(&mut self, since: Option<Instant>) {
        self.paused = since.map(|since| self.paused.unwrap_or(since));
    }

    /// Since when no permits are given.
    pub(super) const fn paused_since(&self) -> Option<Instant> {
        self.paused
    }

    /// Whether any runner is in service.
    pub(super) fn has_runners(&self) -> bool {
        self.runners.values().any(|entry| entry.service == Service::In)
    }

    /// Releases the permit of a request that was served, or holds it for the check that the request asked for (S30).
    pub(super) fn release(&mut self, id: RunnerId, ticket: Option<CheckTicket>) -> Drained {
        self.returns += 1;
        let now = self.returns;
        let mut reached = false;
        let drained = self.change(id, |entry| {
            entry.in_flight -= 1;
            entry.served += 1;
            reached = entry.limit.take_if(|limit| limit.get() <= entry.served).is_some();
            entry.idle_since = now;
            if let (Service::In, Some(ticket)) = (entry.service, ticket) {
                entry.checks.hold(ticket);
            }
            entry.drained()
        });
        if reached {
            self.reached_limit = Some(id);
        }
        drained.unwrap_or(Drained::No)
    }

    /// Releases a permit whose request has not reached the runner.
    pub(super) fn release_unused(&mut self, id: RunnerId) -> Drained {
        let drained = self.change(id, |entry| {
            entry.in_flight -= 1;
            entry.drained()
        });
        drained.unwrap_or(Drained::No)
    }

    /// Sets after how many served requests [`take_reached_limit`](Self::take_reached_limit) names a runner.
    pub(super) fn limit_requests(&mut self, id: RunnerId, limit: NonZeroU64) {
        self.change(id, |entry| entry.limit = Some(limit));
    }

    /// The runner that has served as many requests as it may with the last release.
    pub(super) const fn take_reached_limit(&mut self) -> Option<RunnerId> {
        self.reached_limit.take()
    }

    /// How many requests a runner has served.
    pub(super) fn served(&self, id: RunnerId) -> u64 {
        self.runners.get(&id).map_or(0, |entry| entry.served)
    }

    /// Adds a runner. It is in service at once.
    pub(super) fn add(&mut self, id: RunnerId, route: R) {
        self.returns += 1;
        let entry = Entry {
            route,
            service: Service::In,
            in_flight: 0,
            checks: Checks::default(),
            idle_since: self.returns,
            failing: false,
            served: 0,
            limit: None,
            overdue: 0,
            ejections: 0,
        };
        self.free.extend(entry.rank(id, self.each));
        self.runners.insert(id, entry);
    }

    /// Ejects a runner: it gets no request until it has been readmitted as often as it was ejected.
    pub(super) fn eject(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.ejections += 1);
    }

    /// Ends one ejection of a runner.
    pub(super) fn readmit(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.ejections -= 1);
    }

    /// The last counted check of a runner failed: it gets a request only if no other runner has a free permit.
    pub(super) fn dispatch_last(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.failing = true);
    }

    /// A runner has passed a check: it gets requests like any other.
    pub(super) fn dispatch_normally(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.failing = false);
    }

    /// A request in flight has become overdue (S53a).
    pub(super) fn mark_overdue(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.overdue += 1);
    }

    /// A request that was overdue has been answered or has ended.
    pub(super) fn end_overdue(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.overdue -= 1);
    }

    /// Whether overdue requests hold every permit of a runner (S53a).
    pub(super) fn is_wedged(&self, id: RunnerId) -> bool {
        self.runners.get(&id).is_some_and(|entry| entry.overdue >= self.each)
    }

    /// Takes a runner out of service. Returns whether it was in service.
    pub(super) fn suspend(&mut self, id: RunnerId) -> bool {
        self.asked.remove(&id);
        let suspended = self.change(id, |entry| {
            let in_service = entry.service == Service::In;
            if in_service {
                entry.service = Service::Out;
            }
            in_service
        });
        suspended.unwrap_or(false)
    }

    /// Takes a runner out of service. The return value here or of a later [`release`](Self::release) is [`Drained::Yes`]
    /// when its last request has ended.
    pub(super) fn remove(&mut self, id: RunnerId) -> Drained {
        self.asked.remove(&id);
        let drained = self.change(id, |entry| {
            if entry.service == Service::Leaving {
                return Drained::No;
            }
            entry.service = Service::Leaving;
            entry.drained()
        });
        drained.unwrap_or(Drained::No)
    }

    /// Drops everything that is known of a runner.
    pub(super) fn forget(&mut self, id: RunnerId) -> Option<R> {
        self.suspend(id);
        self.runners.remove(&id).map(|entry| entry.route)
    }

    /// What a request needs to know of this runner.
    pub(super) fn route(&self, id: RunnerId) -> Option<&R> {
        self.runners.get(&id).map(|entry| &entry.route)
    }

    /// What requests need to know of each runner.
    pub(super) fn routes(&self) -> impl Iterator<Item = &R> {
        self.runners.values().map(|entry| &entry.route)
    }

    /// How many requests a runner serves.
    pub(super) fn in_flight(&self, id: RunnerId) -> u32 {
        self.runners.get(&id).map_or(0, |entry| entry.in_flight)
    }

    /// Whether a runner is in service and all of its permits are taken.
    pub(super) fn is_full(&self, id: RunnerId) -> bool {
        let takes_more = |entry: &Entry<R>| entry.in_flight + entry.checks.held() < self.each;
        self.runners.get(&id).is_some_and(|entry| entry.service == Service::In && !takes_more(entry))
    }

    /// A response asks for a check of its runner. Ignored unless the runner is in service (S32).
    pub(super) fn ask(&mut self, id: RunnerId) -> Option<CheckTicket> {
        let entry = self.runners.get(&id).filter(|entry| entry.service == Service::In)?;
        self.asked.insert(id);
        Some(entry.checks.ask())
    }

    /// The runners for which a check was requested since the last call, or since their last manual check started.
    pub(super) fn take_asked(&mut self) -> Vec<RunnerId> {
        std::mem::take(&mut self.asked).into_iter().collect()
    }

    /// A manual check starts: it answers every request for a check so far.
    pub(super) fn check_started(&mut self, id: RunnerId) {
        self.asked.remove(&id);
        self.change(id, |entry| entry.checks.start());
    }

    /// The manual check has ended: the permits held for it are released.
    pub(super) fn check_ended(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.checks.end());
    }

    /// Releases every held permit of a runner.
    pub(super) fn release_held(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.checks.release());
    }

    fn take_free(&mut self) -> Option<R> {
        if self.paused.is_some() {
            return None;
        }
        let id = self.free.first()?.id;
        self.change(id, |entry| {
            entry.in_flight += 1;
            entry.route.clone()
        })
    }

    /// Changes an entry and updates its rank. No other code changes an entry.
    fn change<T>(&mut self, id: RunnerId, change: impl FnOnce(&mut Entry<R>) -> T) -> Option<T> {
        let entry = self.runners.get_mut(&id)?;
        let before = entry.rank(id, self.each);
        let result = change(entry);
        let after = entry.rank(id, self.each);
        if before != after {
            if let Some(before) = before {
                self.free.remove(&before);
            }
            self.free.extend(after);
        }
        Some(result)
    }
}
