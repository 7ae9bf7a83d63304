//! The order in which the requests of one client get permits.

use tokio::time::Instant;

use crate::proxy::client_address::ClientAddress;

/// Which requests get a permit before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proxy) enum Priority {
    /// It has had a permit already, of a runner that did not take it or lost it (S39b, S59).
    Moved,
    Usual,
    /// Only a beginning of its body has arrived: it gets a permit that no other request waits for (S56c).
    Low,
}

/// The order in which the requests of a client arrived. A request keeps its number when it moves to another runner (S39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proxy) struct Arrival {
    priority: Priority,
    number: u64,
    client: ClientAddress,
    /// When the request first waited. One that has not waited has read no clock.
    since: Option<Instant>,
}

impl Arrival {
    pub(super) const fn new(number: u64, client: ClientAddress) -> Self {
        Self { priority: Priority::Usual, number, client, since: None }
    }

    pub(super) const fn priority(self) -> Priority {
        self.priority
    }

    pub(in crate::proxy) const fn client(self) -> ClientAddress {
        self.client
    }

    pub(super) const fn since(self) -> Option<Instant> {
        self.since
    }

    /// The request waits, from now on unless it has waited before.
    pub(in crate::proxy) fn wait_from(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The same arrival with this priority.
    pub(in crate::proxy) const fn with(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunnerId;
    use crate::proxy::permits::PermitTable;

    #[test]
    fn a_request_of_low_priority_gets_a_permit_that_no_other_waits_for_s56c() {
        let id = RunnerId::new(1);
        let mut permits = PermitTable::new(1);
        permits.add(id, 1);
        let first = permits.arrive(ClientAddress::default());
        assert_eq!(permits.try_acquire(first), Some(1));
        let early = permits.arrive(ClientAddress::default());
        let low = early.with(Priority::Low);
        assert_eq!(permits.try_acquire(low), None);
        permits.enqueue(low, low);
        let later = permits.arrive(ClientAddress::default());
        permits.enqueue(later, later);
        permits.release(id, None);
        assert_eq!(permits.next_grant(Instant::now).unwrap().waiter, later);
        assert!(early < later, "its priority has changed, and not its place among its equals");
        assert_eq!(permits.make_room(later), Some(low));
        assert_eq!(permits.make_room(later), None);
        let usual = permits.arrive(ClientAddress::default());
        permits.enqueue(usual, usual);
        assert_eq!(permits.make_room(later), None, "{usual:?} stays");
    }
}
