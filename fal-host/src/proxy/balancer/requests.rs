//! What is known of the requests at one runner.

use std::num::NonZeroU64;
use std::time::SystemTime;

use super::Balancer;
use crate::RunnerId;
use crate::recent_losses::RecentLosses;
use crate::request_info::RequestInfo;

impl Balancer {
    /// How many requests the runner serves, including abandoned requests whose call may still run (S38).
    pub(crate) fn in_flight(&self, id: RunnerId) -> u32 {
        self.lock().permits.in_flight(id)
    }

    /// How many requests all runners serve.
    pub(crate) fn all_in_flight(&self) -> usize {
        self.lock().permits.routes().map(|runner| runner.in_flight()).sum()
    }

    /// The requests that the runner has lost recently.
    pub(crate) fn recent_losses(&self, id: RunnerId, now: SystemTime) -> Option<RecentLosses> {
        let runner = self.lock().permits.route(id).cloned()?;
        runner.lost.recent(now)
    }

    /// The request that has been in flight at the runner for the longest time.
    pub(crate) fn oldest_request(&self, id: RunnerId) -> Option<RequestInfo> {
        let runner = self.lock().permits.route(id).cloned()?;
        runner.oldest().map(|oldest| oldest.info())
    }

    /// Whether requests, and checks that they have asked for, hold all permits of the runner.
    pub(crate) fn is_full(&self, id: RunnerId) -> bool {
        self.lock().permits.is_full(id)
    }

    /// Whether a request without a response is overdue after some time (S53a).
    pub(crate) fn bounds_requests(&self) -> bool {
        self.limits.overdue().is_some()
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
