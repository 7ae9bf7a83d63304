use std::sync::Arc;

use super::balancer::Balancer;
use super::runner::Runner;
use super::slots::Asked;

/// The right to one request in flight at one runner. Dropping it gives it back, to whoever has waited longest.
#[derive(Debug)]
pub(super) struct Slot {
    balancer: Arc<Balancer>,
    runner: Arc<Runner>,
    asked: Option<Asked>,
}

impl Slot {
    pub(super) const fn new(balancer: Arc<Balancer>, runner: Arc<Runner>) -> Self {
        Self { balancer, runner, asked: None }
    }

    pub(super) const fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// The response asks for a check. The slot will be given back when that check has ended (S30).
    pub(super) fn ask(&mut self) {
        self.asked = self.balancer.ask(&self.runner);
    }

    /// The runner may be wedged, and is to be checked. The slot will be given back when that check has ended.
    pub(super) fn suspect(&mut self) {
        self.asked = self.balancer.suspect(&self.runner);
    }

    /// The runner has broken off.
    pub(super) fn doubt(&self) {
        self.balancer.doubt(&self.runner);
    }

    /// The runner refused a connection twice (S39).
    pub(super) fn unreachable(&self) {
        self.balancer.unreachable(&self.runner);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.balancer.give_back(&self.runner, self.asked.take());
    }
}
