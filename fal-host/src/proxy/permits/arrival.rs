//! The order in which requests get permits.

/// Which requests get a permit before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proxy) enum Priority {
    Usual,
    /// Only a beginning of its body has arrived: it gets a permit that no other request waits for (S56c).
    Low,
}

/// The order in which requests arrived. A request keeps its number when it moves to another runner (S39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proxy) struct Arrival {
    priority: Priority,
    number: u64,
}

impl Arrival {
    pub(super) const fn new(number: u64) -> Self {
        Self { priority: Priority::Usual, number }
    }

    pub(super) const fn priority(self) -> Priority {
        self.priority
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
        let first = permits.arrive();
        assert_eq!(permits.try_acquire(first), Some(1));
        let early = permits.arrive();
        let low = early.with(Priority::Low);
        assert_eq!(permits.try_acquire(low), None);
        permits.enqueue(low, low);
        let later = permits.arrive();
        permits.enqueue(later, later);
        permits.release(id, None);
        assert_eq!(permits.next_grant().unwrap().waiter, later);
        assert!(early < later, "its priority has changed, and not its place among its equals");
        assert_eq!(permits.cancel_low(), Some(low));
        assert_eq!(permits.cancel_low(), None);
        let usual = permits.arrive();
        permits.enqueue(usual, usual);
        assert_eq!(permits.cancel_low(), None, "{usual:?} stays");
    }
}
