//! What the scheduler knows of one runner.

use std::num::NonZeroU64;

use super::checks::Checks;
use crate::RunnerId;

/// The order of dispatch; the least rank gets the next request: runners whose last counted check did not fail, then
/// fewest permits taken, then longest idle, then oldest (S38e, S38g).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) failing: bool,
    pub(super) taken: u32,
    pub(super) idle_since: u64,
    pub(super) id: RunnerId,
}

#[derive(Debug)]
pub(super) struct Entry<R> {
    pub(super) route: R,
    pub(super) service: Service,
    pub(super) in_flight: u32,
    pub(super) checks: Checks,
    pub(super) idle_since: u64,
    /// Whether its last counted check failed.
    pub(super) failing: bool,
    /// How many requests it has served, and at how many that is reported (S54).
    pub(super) served: u64,
    pub(super) limit: Option<NonZeroU64>,
    /// How many of its requests in flight are overdue (S53a).
    pub(super) overdue: u32,
    /// How many ejections are in force. Above 0 it gets no request.
    pub(super) ejections: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// It gets requests.
    In,
    /// It gets no more requests.
    Out,
    /// As `Out`, and the end of its last request is reported.
    Leaving,
}

impl<R> Entry<R> {
    /// Its rank among the runners with a free permit, if it has one.
    pub(super) fn rank(&self, id: RunnerId, each: u32) -> Option<Rank> {
        let taken = self.in_flight + self.checks.held();
        (self.service == Service::In && self.ejections == 0 && taken < each).then_some(Rank {
            failing: self.failing,
            taken,
            idle_since: self.idle_since,
            id,
        })
    }

    pub(super) fn drained(&self) -> Drained {
        if self.service == Service::Leaving && self.in_flight == 0 { Drained::Yes } else { Drained::No }
    }
}

/// Whether the last request of a leaving runner has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    Yes,
    No,
}
