//! Requests for manual checks, and the permits that are held until these end (S27, S30, S31).

use super::Balancer;
use crate::RunnerId;
use crate::check_requester::CheckRequester;
use crate::proxy::limits::ManualChecks;
use crate::proxy::permits::CheckTicket;
use crate::proxy::runner::ServingRunner;

impl Balancer {
    /// The runners whose responses have asked for a manual check since the last call.
    pub(crate) fn take_asked(&self) -> Vec<RunnerId> {
        self.lock().permits.take_asked()
    }

    /// A manual check of the runner starts: it answers every request for a check until now (S31). Returns what has asked for it
    /// first. `None`: it is the next try of an inconclusive one.
    pub(crate) fn manual_check_started(&self, id: RunnerId) -> Option<CheckRequester> {
        let permits = &mut self.lock().permits;
        permits.check_started(id);
        permits.route(id)?.take_requester()
    }

    /// An operator asks for a manual check of the runner.
    pub(crate) fn operator_asks(&self, id: RunnerId) {
        if let Some(runner) = self.lock().permits.route(id) {
            runner.set_requester(|| Some(CheckRequester::Operator));
        }
    }

    /// The manual check has ended: the permits of the requests that it answers are released (S30).
    pub(crate) fn manual_check_ended(&self, id: RunnerId) {
        self.lock().permits.check_ended(id);
        self.dispatch();
    }

    /// The manual check was inconclusive: every permit of the runner that is held for a check is released (S20).
    pub(crate) fn release_held(&self, id: RunnerId) {
        self.lock().permits.release_held(id);
        self.dispatch();
    }

    /// A response of the runner asks for a manual check (S27).
    pub(in crate::proxy) fn ask(&self, runner: &ServingRunner) -> Option<CheckTicket> {
        if matches!(self.limits.manual_checks, ManualChecks::Ignored) {
            runner.warn_of_no_health_check();
        }
        self.request_check(runner.id)
    }

    /// Requests a manual check of the runner on the host's own account.
    pub(in crate::proxy) fn request_check(&self, id: RunnerId) -> Option<CheckTicket> {
        if matches!(self.limits.manual_checks, ManualChecks::Ignored) {
            return None;
        }
        let ticket = self.lock().permits.ask(id)?;
        self.reports.asked.notify_one();
        Some(ticket)
    }
}
