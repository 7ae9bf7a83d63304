//! What is measured of one request, from the arrival of its head to the end of its response.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use tokio::time::Instant;

use super::balancer::Balancer;
use super::log_entry::LogEntry;
use crate::metrics::{Completion, EndpointIndex};

/// What is measured of one request. It is counted when it is dropped.
///
/// The clock is read three times: at the arrival, when the response begins, and at the end.
#[derive(Debug)]
pub(super) struct RequestRecord {
    balancer: Arc<Balancer>,
    began: Instant,
    method: Method,
    endpoint: EndpointIndex,
    /// What a log line says about it.
    pub(super) entry: LogEntry,
    /// How long it has waited for a permit. `None`: it has not asked for one.
    waited: Option<Duration>,
    /// The status of its response, if that has begun.
    status: Option<StatusCode>,
    /// Whether its whole response was passed on.
    is_complete: bool,
}

impl RequestRecord {
    /// A request has arrived.
    pub(super) fn begin<B>(balancer: &Arc<Balancer>, request: &Request<B>) -> Self {
        let method = request.method().clone();
        let endpoint = balancer.metrics().received(&method, request.uri().path());
        Self {
            balancer: Arc::clone(balancer),
            began: Instant::now(),
            method,
            endpoint,
            entry: LogEntry::default(),
            waited: None,
            status: None,
            is_complete: false,
        }
    }

    /// It has got a permit, or will get none, after it has waited this long in total.
    pub(super) const fn set_waited(&mut self, waited: Duration) {
        self.waited = Some(waited);
    }

    /// Its response begins.
    pub(super) fn respond(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.balancer.metrics().responded(self.endpoint, self.began.elapsed());
    }

    /// Its whole response was passed on.
    pub(super) const fn complete(&mut self) {
        self.is_complete = true;
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let completion = match self.status {
            Some(status) if self.is_complete => Completion::Answered(status),
            _ => Completion::Aborted,
        };
        let metrics = self.balancer.metrics();
        if let Some(waited) = self.waited {
            metrics.waited(waited);
        }
        metrics.completed(self.endpoint, &self.method, completion, self.began.elapsed());
    }
}
