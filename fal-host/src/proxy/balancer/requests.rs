//! What is known of the requests at one runner.

use std::num::NonZeroU64;

use super::Balancer;
use crate::RunnerId;

impl Balancer {
    /// How many requests the runner serves, including abandoned requests whose call may still run (S38).
    pub(crate) fn in_flight(&self, id: RunnerId) -> u32 {
        self.lock().permits.in_flight(id)
    }

    /// How many requests all runners serve.
    #[cfg(feature = "cli")]
    pub(crate) fn all_in_flight(&self) -> usize {
        self.lock().permits.routes().map(|runner| runner.holders.all().len()).sum()
    }

    /// How many requests the runner has served.
    pub(crate) fn served(&self, id: RunnerId) -> u64 {
        self.lock().permits.served(id)
    }

    /// Sends [`Report::RequestsReached`](crate::proxy::Report) when the runner has served this many requests (S54).
    pub(crate) fn limit_requests(&self, id: RunnerId, limit: NonZeroU64) {
        self.lock().permits.limit_requests(id, limit);
    }

    /// A request in flight at the runner has become overdue (S53a).
    pub(in crate::proxy) fn mark_overdue(&self, id: RunnerId) {
        self.lock().permits.mark_overdue(id);
    }

    /// An overdue request of the runner has been answered or has ended.
    pub(in crate::proxy) fn end_overdue(&self, id: RunnerId) {
        self.lock().permits.end_overdue(id);
    }

    /// Whether overdue requests hold every permit of the runner (S53a).
    pub(crate) fn is_wedged(&self, id: RunnerId) -> bool {
        self.lock().permits.is_wedged(id)
    }
}
