//! The requests that wait for a permit, and which of them is next (S38d, S38h).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::arrival::{Arrival, Priority};
use crate::proxy::client_address::ClientAddress;

/// How much later than it did a request counts as arrived at most, since its client has used more than its share (S38h).
const MAX_PENALTY: Duration = Duration::from_secs(10);

/// What a request costs its client as soon as it gets a permit. Clients alternate when many permits are free at once.
const MIN_COST: Duration = Duration::from_millis(1);

/// How many clients are remembered whose requests do not wait. Each is forgotten after [`MAX_PENALTY`].
const MAX_ABSENT: usize = 1024;

/// The requests that wait, by client.
///
/// Invariant between calls: `candidates` has one entry for each client with a request that waits, `absent` one for each other client
/// that is known.
#[derive(Debug)]
pub(super) struct WaitQueue<W> {
    waiting: BTreeMap<Arrival, W>,
    clients: BTreeMap<ClientAddress, ClientQueue>,
    candidates: BTreeSet<Candidate>,
    absent: BTreeSet<(Instant, ClientAddress)>,
}

/// The requests of one client.
#[derive(Debug, Default)]
struct ClientQueue {
    waiting: BTreeSet<Arrival>,
    /// Its requests count as arrived no earlier than this.
    not_before: Option<Instant>,
}

/// When the first request of a client counts as arrived. The least one is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    priority: Priority,
    /// `None` for a request that moves: it goes to the front (S39b).
    arrived: Option<Instant>,
    arrival: Arrival,
}

impl ClientQueue {
    fn candidate(&self) -> Option<Candidate> {
        let arrival = *self.waiting.first()?;
        let priority = arrival.priority();
        let arrived = (priority != Priority::Moved).then(|| arrival.since().max(self.not_before)).flatten();
        Some(Candidate { priority, arrived, arrival })
    }
}

impl<W> WaitQueue<W> {
    pub(super) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            clients: BTreeMap::new(),
            candidates: BTreeSet::new(),
            absent: BTreeSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The requests that wait.
    pub(super) fn waiters(&self) -> impl Iterator<Item = &W> {
        self.waiting.values()
    }

    /// How many requests wait with a priority.
    #[cfg(test)]
    pub(super) fn len_with(&self, priority: Priority) -> usize {
        self.waiting.keys().filter(|arrival| arrival.priority() == priority).count()
    }

    /// Whether a request waits that goes before a new one, of whichever client.
    pub(super) fn goes_before(&self, arrival: Arrival) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| match arrival.priority() {
            Priority::Moved => *first < arrival,
            other => first.priority() <= other,
        })
    }

    pub(super) fn insert(&mut self, arrival: Arrival, waiter: W) {
        self.waiting.insert(arrival, waiter);
        self.change(arrival.client(), |client| {
            client.waiting.insert(arrival);
        });
    }

    pub(super) fn remove(&mut self, arrival: Arrival) -> Option<W> {
        let waiter = self.waiting.remove(&arrival)?;
        self.change(arrival.client(), |client| {
            client.waiting.remove(&arrival);
        });
        Some(waiter)
    }

    /// Removes the request that is next.
    pub(super) fn pop(&mut self, now: Instant) -> Option<W> {
        let arrival = self.candidates.first()?.arrival;
        let waiter = self.remove(arrival);
        self.add_cost(arrival.client(), MIN_COST, now);
        waiter
    }

    /// Removes all requests, and returns them.
    pub(super) fn take(&mut self) -> BTreeMap<Arrival, W> {
        std::mem::replace(self, Self::new()).waiting
    }

    /// Removes a request that gives way to a new one in a full queue: the last one of low priority (S56c), or the last one of the client
    /// with the most, if the client of the new one then has at most half as many (S38j).
    pub(super) fn make_room(&mut self, newcomer: Arrival) -> Option<W> {
        if newcomer.priority() == Priority::Low {
            return None;
        }
        let last = *self.waiting.last_key_value()?.0;
        if last.priority() == Priority::Low {
            return self.remove(last);
        }
        let own = self.clients.get(&newcomer.client()).map_or(0, |client| client.waiting.len());
        let fullest = self.clients.values().max_by_key(|client| client.waiting.len())?;
        let last = *fullest.waiting.last().filter(|_| own < fullest.waiting.len() / 2)?;
        if last.priority() == Priority::Usual { self.remove(last) } else { None }
    }

    /// A request of this client has held one of so many permits for this time while others wait (S38h).
    pub(super) fn charge(&mut self, client: ClientAddress, held: Duration, permits: u32, now: Instant) {
        let is_waiting = self.clients.get(&client).is_some_and(|client| !client.waiting.is_empty());
        let sharers = self.candidates.len() + usize::from(!is_waiting);
        let sharers = u32::try_from(sharers).unwrap_or(u32::MAX);
        self.add_cost(client, held.saturating_mul(sharers) / permits.max(1), now);
    }

    fn add_cost(&mut self, client: ClientAddress, cost: Duration, now: Instant) {
        self.change(client, |client| {
            let used_until = client.not_before.map_or(now, |time| time.max(now));
            client.not_before = Some((used_until + cost.min(MAX_PENALTY)).min(now + MAX_PENALTY));
        });
        while let Some((until, client)) = self.absent.first().copied()
            && (until <= now || self.absent.len() > MAX_ABSENT)
        {
            self.absent.pop_first();
            self.clients.remove(&client);
        }
    }

    /// Changes a client and updates what is known of its first request. No other code changes a client.
    fn change(&mut self, address: ClientAddress, change: impl FnOnce(&mut ClientQueue)) {
        let client = self.clients.entry(address).or_default();
        match (client.candidate(), client.not_before) {
            (Some(candidate), _) => _ = self.candidates.remove(&candidate),
            (None, Some(until)) => _ = self.absent.remove(&(until, address)),
            (None, None) => {}
        }
        change(client);
        match (client.candidate(), client.not_before) {
            (Some(candidate), _) => _ = self.candidates.insert(candidate),
            (None, Some(until)) => _ = self.absent.insert((until, address)),
            (None, None) => _ = self.clients.remove(&address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_whose_requests_do_not_wait_are_forgotten_s38h() {
        let (mut queue, now) = (WaitQueue::new(), Instant::now());
        let mut waits = Arrival::new(1, ClientAddress::default());
        waits.wait_from(now);
        queue.insert(waits, ());
        for number in 1..=2_000_u32 {
            queue.charge(ClientAddress::new(number.to_be_bytes().into()), MIN_COST, 1, now);
            assert!(queue.absent.len() <= MAX_ABSENT);
            assert_eq!(queue.clients.len(), queue.absent.len() + 1);
        }
        assert_eq!(queue.absent.len(), MAX_ABSENT);
        let later = now + MAX_PENALTY;
        queue.pop(later);
        assert_eq!(
            (queue.clients.len(), queue.candidates.len()),
            (1, 0),
            "the one that has just got a permit"
        );
        queue.insert(waits, ());
        queue.remove(waits);
        assert_eq!((queue.clients.len(), queue.absent.len()), (1, 1));
    }
}
