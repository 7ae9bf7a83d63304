//! The right to one request in flight at one runner.

use std::sync::Arc;

use super::balancer::Balancer;
use super::permits::CheckTicket;
use super::runner::ServingRunner;

/// A permit for one request in flight at one runner. Dropping it releases it to the request that has waited longest.
#[derive(Debug)]
pub(super) struct Permit {
    balancer: Arc<Balancer>,
    runner: Arc<ServingRunner>,
    ticket: Option<CheckTicket>,
}

impl Permit {
    /// Wraps a permit that the balancer has granted.
    pub(super) const fn granted(balancer: Arc<Balancer>, runner: Arc<ServingRunner>) -> Self {
        Self { balancer, runner, ticket: None }
    }

    pub(super) const fn runner(&self) -> &Arc<ServingRunner> {
        &self.runner
    }

    /// The response asks for a check. The permit will be released when that check has ended (S30).
    pub(super) fn ask(&mut self) {
        self.ticket = self.balancer.ask(&self.runner);
    }

    /// Requests a check of a runner that may be wedged. The permit will be released when that check has ended.
    pub(super) fn request_check(&mut self) {
        self.ticket = self.balancer.request_check(self.runner.id);
    }

    /// The response asks for the stop of its runner (S58).
    pub(super) fn stop_runner(&self) {
        self.balancer.stop_runner(&self.runner);
    }

    /// The runner has broken off a request: it is ejected from the rotation for a moment (S39).
    pub(super) fn eject(&self) {
        self.balancer.eject(&self.runner);
    }

    /// The runner refused a connection twice (S39).
    pub(super) fn unreachable(&self) {
        self.balancer.unreachable(&self.runner);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.balancer.release(self.runner.id, self.ticket.take());
    }
}
