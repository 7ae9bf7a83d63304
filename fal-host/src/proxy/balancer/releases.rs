//! How permits are released, and given to requests that wait.

use std::sync::Arc;

use tokio::time::Instant;

use super::Balancer;
use crate::RunnerId;
use crate::proxy::client_address::ClientAddress;
use crate::proxy::permits::{CheckTicket, Grant};
use crate::proxy::queued::QueuedRequest;
use crate::proxy::report::Report;
use crate::proxy::runner::ServingRunner;

impl Balancer {
    /// Releases the permit of a served request to the one that is next, or holds it for the check of its ticket (S30). The request's
    /// client has held it since then.
    pub(in crate::proxy) fn release(
        &self,
        id: RunnerId,
        ticket: Option<CheckTicket>,
        client: ClientAddress,
        since: Option<Instant>,
    ) {
        let (drained, reached_limit, grant) = {
            let permits = &mut self.lock().permits;
            let drained = permits.release(id, ticket);
            if let Some(since) = since {
                permits.charge(client, since, Instant::now);
            }
            (drained, permits.take_reached_limit(), permits.next_grant(Instant::now))
        };
        self.report_drained(id, drained);
        if let Some(id) = reached_limit {
            self.report(Report::RequestsReached(id));
        }
        self.grant(grant);
    }

    /// Releases a permit whose request has not reached the runner.
    pub(in crate::proxy) fn release_unused(&self, id: RunnerId) {
        let (drained, grant) = {
            let permits = &mut self.lock().permits;
            (permits.release_unused(id), permits.next_grant(Instant::now))
        };
        self.report_drained(id, drained);
        self.grant(grant);
    }

    /// Gives free permits to requests that wait, while one is free and a request waits.
    pub(super) fn dispatch(&self) {
        loop {
            let grant = self.lock().permits.next_grant(Instant::now);
            if grant.is_none() {
                return;
            }
            self.grant(grant);
        }
    }

    fn grant(&self, grant: Option<Grant<Arc<ServingRunner>, QueuedRequest>>) {
        if let Some(grant) = grant
            && let Err(returned) = grant.waiter.runner.send(grant.route)
        {
            self.release_unused(returned.id);
        }
    }
}
