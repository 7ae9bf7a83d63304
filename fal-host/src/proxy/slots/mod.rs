//! Who gets which slot: a pure table, without clock, locks or I/O.

mod checks;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use checks::Asked;
use checks::Checks;

use crate::RunnerId;

/// When a request came, in order. It keeps this when it moves to another runner (S39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival(u64);

/// The runners with their slots, and the requests that wait for one.
///
/// `R` is what a request needs to know of its runner, `W` how a waiting request is told. After every call that can
/// free a slot, [`next_grant`](Self::next_grant) is called until it returns nothing.
#[derive(Debug)]
pub(super) struct Slots<R, W> {
    each: u32,
    runners: BTreeMap<RunnerId, Entry<R>>,
    /// Those in service with a free slot.
    free: BTreeSet<Rank>,
    queue: BTreeMap<Arrival, W>,
    asked: BTreeSet<RunnerId>,
    arrivals: u64,
    returns: u64,
}

/// The least one gets the next request: the fewest slots taken, then the longest without a change, then the oldest
/// (S38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    taken: u32,
    idle_since: u64,
    id: RunnerId,
}

#[derive(Debug)]
struct Entry<R> {
    route: R,
    service: Service,
    in_flight: u32,
    checks: Checks,
    idle_since: u64,
    /// How many reasons there are to think that it is dying.
    doubts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// It is given requests.
    In,
    /// It is given no more.
    Out,
    /// As `Out`, and it was said to leave: that its last request has ended is news.
    Leaving,
}

impl<R> Entry<R> {
    /// Its place among those that can be given a request, if it can.
    fn rank(&self, id: RunnerId, each: u32) -> Option<Rank> {
        let taken = self.in_flight + self.checks.held();
        (self.service == Service::In && self.doubts == 0 && taken < each).then_some(Rank {
            taken,
            idle_since: self.idle_since,
            id,
        })
    }

    fn drained(&self) -> Drained {
        if self.service == Service::Leaving && self.in_flight == 0 { Drained::Yes } else { Drained::No }
    }
}

/// A slot for a request that waited.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grant<R, W> {
    pub(super) waiter: W,
    pub(super) route: R,
}

/// Whether a runner's last request has ended since it was said to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    Yes,
    No,
}

impl<R: Clone, W> Slots<R, W> {
    /// A table of no runners, which will have `each` slots apiece.
    pub(super) const fn new(each: u32) -> Self {
        Self {
            each,
            runners: BTreeMap::new(),
            free: BTreeSet::new(),
            queue: BTreeMap::new(),
            asked: BTreeSet::new(),
            arrivals: 0,
            returns: 0,
        }
    }

    pub(super) const fn arrive(&mut self) -> Arrival {
        self.arrivals += 1;
        Arrival(self.arrivals)
    }

    /// Takes a slot for the request that came at `arrival`, if one is free and nobody who came before waits.
    pub(super) fn take(&mut self, arrival: Arrival) -> Option<R> {
        if self.queue.first_key_value().is_some_and(|(first, _)| *first < arrival) {
            return None;
        }
        self.take_free()
    }

    /// How many requests wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Lets the request that came at `arrival` wait.
    pub(super) fn wait(&mut self, arrival: Arrival, waiter: W) {
        self.queue.insert(arrival, waiter);
    }

    /// The request that came at `arrival` waits no longer.
    pub(super) fn give_up(&mut self, arrival: Arrival) -> Option<W> {
        self.queue.remove(&arrival)
    }

    /// Nobody waits any longer: all who did, in order.
    pub(super) fn give_up_all(&mut self) -> BTreeMap<Arrival, W> {
        std::mem::take(&mut self.queue)
    }

    /// Takes a slot for the request that has waited longest, if one waits and one is free.
    pub(super) fn next_grant(&mut self) -> Option<Grant<R, W>> {
        if self.free.is_empty() {
            return None;
        }
        let (_, waiter) = self.queue.pop_first()?;
        let route = self.take_free()?;
        Some(Grant { waiter, route })
    }

    /// Gives a slot back, or leaves it to the check that the request asked for (S30).
    pub(super) fn give_back(&mut self, id: RunnerId, asked: Option<Asked>) -> Drained {
        self.returns += 1;
        let now = self.returns;
        let drained = self.change(id, |entry| {
            entry.in_flight -= 1;
            entry.idle_since = now;
            if let (Service::In, Some(asked)) = (entry.service, asked) {
                entry.checks.hold(asked);
            }
            entry.drained()
        });
        drained.unwrap_or(Drained::No)
    }

    /// Adds a runner, which is in service at once.
    pub(super) fn add(&mut self, id: RunnerId, route: R) {
        self.returns += 1;
        let entry = Entry {
            route,
            service: Service::In,
            in_flight: 0,
            checks: Checks::default(),
            idle_since: self.returns,
            doubts: 0,
        };
        self.free.extend(entry.rank(id, self.each));
        self.runners.insert(id, entry);
    }

    /// The runner may be dying: it is given no request until it is trusted again, as often as it was doubted.
    pub(super) fn doubt(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.doubts += 1);
    }

    /// A doubt of the runner is over.
    pub(super) fn trust(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.doubts -= 1);
    }

    /// Takes a runner out of service. Says whether it was in service.
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

    /// Takes a runner out of service and will tell when its last request has ended.
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

    /// Drops all that is known of a runner.
    pub(super) fn forget(&mut self, id: RunnerId) -> Option<R> {
        self.suspend(id);
        self.runners.remove(&id).map(|entry| entry.route)
    }

    /// What a request needs to know of this runner.
    pub(super) fn route(&self, id: RunnerId) -> Option<&R> {
        self.runners.get(&id).map(|entry| &entry.route)
    }

    /// How many requests a runner serves.
    pub(super) fn in_flight(&self, id: RunnerId) -> u32 {
        self.runners.get(&id).map_or(0, |entry| entry.in_flight)
    }

    /// A response asks for a check of its runner. Nothing comes of it where the runner is not in service (S32).
    pub(super) fn ask(&mut self, id: RunnerId) -> Option<Asked> {
        let entry = self.runners.get(&id).filter(|entry| entry.service == Service::In)?;
        self.asked.insert(id);
        Some(entry.checks.ask())
    }

    /// Those asked for a check since the last call, or since their last manual check started.
    pub(super) fn take_asked(&mut self) -> Vec<RunnerId> {
        std::mem::take(&mut self.asked).into_iter().collect()
    }

    /// A manual check starts: it answers all who have asked so far.
    pub(super) fn check_started(&mut self, id: RunnerId) {
        self.asked.remove(&id);
        self.change(id, |entry| entry.checks.start());
    }

    /// The manual check has ended: the slots held for it are free.
    pub(super) fn check_ended(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.checks.end());
    }

    /// Frees every held slot of a runner.
    pub(super) fn release_held(&mut self, id: RunnerId) {
        self.change(id, |entry| entry.checks.release());
    }

    fn take_free(&mut self) -> Option<R> {
        let id = self.free.first()?.id;
        self.change(id, |entry| {
            entry.in_flight += 1;
            entry.route.clone()
        })
    }

    /// The only way to change an entry: its rank follows.
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
