//! The right to one request in flight at one runner.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::balancer::Balancer;
use super::client::Client;
use super::client_address::ClientAddress;
use super::holders::{Holder, HolderId};
use super::permits::CheckTicket;
use super::runner::ServingRunner;
use super::upstream::Upstream;
use crate::check_requester::{AskingRequest, CheckRequester};
use crate::fleet::Reason;

/// A permit for one request in flight at one runner. Dropping it releases it to the request that is next.
#[derive(Debug)]
pub(super) struct Permit {
    balancer: Arc<Balancer>,
    runner: Arc<ServingRunner>,
    /// Whose share of the permits it counts towards, and since when (S38h).
    client: ClientAddress,
    since: Option<Instant>,
    ticket: Option<CheckTicket>,
    holder: Option<HolderId>,
    /// Whether the request has reached the runner.
    used: bool,
    /// Whether the runner has taken too long to begin its response (S53a).
    overdue: bool,
}

impl Permit {
    /// Wraps a permit that the balancer has granted.
    pub(super) const fn granted(
        balancer: Arc<Balancer>,
        runner: Arc<ServingRunner>,
        client: ClientAddress,
    ) -> Self {
        Self {
            balancer,
            runner,
            client,
            since: None,
            ticket: None,
            holder: None,
            used: false,
            overdue: false,
        }
    }

    pub(super) const fn runner(&self) -> &Arc<ServingRunner> {
        &self.runner
    }

    /// Names the request that holds it, for the log. Returns an idle connection to its runner, if there is one.
    pub(super) fn begin(&mut self, holder: Holder, client: &Client) -> Option<Box<Upstream>> {
        self.since = Some(holder.since);
        let (id, idle) = self.runner.begin(holder, client, self.balancer.limits().max_multiplexing);
        self.holder = Some(id);
        idle
    }

    /// Takes another idle connection to its runner.
    pub(super) fn connection(&self, client: &Client) -> Option<Box<Upstream>> {
        self.runner.pop(client, self.balancer.limits().max_multiplexing)
    }

    /// Releases it. The next request that gets it finds the connection.
    pub(super) fn finish(mut self, connection: Option<Box<Upstream>>) {
        self.runner.end(self.holder.take(), connection);
    }

    /// The request has reached the runner, at least in part.
    pub(super) const fn mark_used(&mut self) {
        self.used = true;
    }

    /// The response asks for a check. The permit will be released when that check has ended (S30).
    pub(super) fn ask(&mut self) {
        self.name_requester(CheckRequester::Response);
        self.ticket = self.balancer.ask(&self.runner);
    }

    /// Requests a check of a runner that may be wedged. The permit will be released when that check has ended.
    pub(super) fn request_check(&mut self) {
        self.name_requester(CheckRequester::Overdue);
        self.ticket = self.balancer.request_check(self.runner.id);
    }

    /// Names the request as what asks for the next check, before that can start, unless another one has asked before.
    fn name_requester(&self, named: fn(AskingRequest) -> CheckRequester) {
        self.runner.set_requester(|| {
            let holder = self.holder.and_then(|holder| self.runner.holder(holder))?;
            Some(named(holder.asking()))
        });
    }

    /// The response asks for the stop of its runner (S58).
    pub(super) fn stop_runner(&self) {
        self.balancer.stop_runner(&self.runner);
    }

    /// How long a request may be unanswered before it is overdue (S53a). `None`: any time.
    pub(super) fn overdue_after(&self) -> Option<Duration> {
        self.balancer.limits().overdue().map(|(time, _)| time)
    }

    /// The runner has not begun to answer the request in time (S53a).
    pub(super) fn mark_overdue(&mut self) {
        if !std::mem::replace(&mut self.overdue, true) {
            self.balancer.mark_overdue(self.runner.id);
        }
    }

    /// The runner begins to answer.
    pub(super) fn begin_response(&mut self) {
        self.end_overdue();
        if let Some(holder) = self.holder {
            self.runner.respond(holder);
        }
    }

    /// The runner has broken the request off.
    pub(super) fn lose(&self) {
        let lost = self.holder.and_then(|holder| self.runner.holder(holder));
        if let Some(lost) = lost {
            self.runner.lost.push(lost.info());
        }
    }

    /// Why the host has ended its runner, if it has.
    pub(super) fn ended_by_host(&self) -> Option<Reason> {
        self.runner.ended_by_host.get().copied()
    }

    /// The request is not overdue any longer, if it was.
    pub(super) fn end_overdue(&mut self) {
        if std::mem::take(&mut self.overdue) {
            self.balancer.end_overdue(self.runner.id);
        }
    }

    /// The runner has broken off a request: it is ejected from the rotation for a moment (S39).
    pub(super) fn eject(&self) {
        self.balancer.eject(&self.runner);
    }

    /// The runner refused a connection twice (S39).
    pub(super) fn unreachable(&self) {
        let holder = self.holder.and_then(|holder| self.runner.holder(holder));
        let request = holder.map(|it| format!(" of {it}")).unwrap_or_default();
        let refused =
            format!("{} refused the connection{request}, and then a fresh one", self.runner.address);
        self.balancer.unreachable(&self.runner, refused);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end_overdue();
        if let Some(holder) = self.holder {
            self.runner.end(Some(holder), None);
        }
        if self.used {
            self.balancer.release(self.runner.id, self.ticket.take(), self.client, self.since);
        } else {
            self.balancer.release_unused(self.runner.id);
        }
    }
}
