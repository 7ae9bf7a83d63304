//! Why requests wait for a permit (S84a).

use std::time::Duration;

use super::{Balancer, BalancerState};
use crate::proxy::wait_cause::{AwaitedRunner, WaitCause};

impl BalancerState {
    pub(super) fn wait_cause(&self) -> WaitCause {
        if self.permits.paused_since().is_some() {
            WaitCause::Paused
        } else if self.permits.has_runners() {
            WaitCause::Busy
        } else {
            WaitCause::NoRunner
        }
    }
}

impl Balancer {
    /// Why a request gets no permit now.
    pub(in crate::proxy) fn wait_cause(&self) -> WaitCause {
        self.lock().wait_cause()
    }

    /// How long a request has waited for a permit, at most. `None` if none waits.
    pub(crate) fn longest_wait(&self) -> Option<Duration> {
        self.lock().permits.waiters().map(|request| request.since.elapsed()).max()
    }

    /// No runner is in the rotation: requests wait for this one.
    pub(crate) fn set_awaited(&self, runner: Option<AwaitedRunner>) {
        self.lock().awaited = runner;
    }
}
