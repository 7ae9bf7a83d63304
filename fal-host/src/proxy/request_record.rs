//! What is measured of one request, from the arrival of its head to the end of its response.

use std::sync::Arc;
use std::time::Duration;

use fal_health::protocol::HostErrorType;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use tokio::time::Instant;

use super::access_log::{AccessLogEntry, Ended, RequestOutcome, milliseconds};
use super::error::ProxyError;
use super::holders::Holder;
use super::log_entry::{LogEntry, cut, method_of, path_of};
use super::refusal_log::{LimitReached, RefusedClient};
use super::request_id::RequestIdField;
use super::request_trace::RequestTrace;
use super::session::{CutOffRequest, Session};
use crate::metrics::{Completion, EndpointIndex};

static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What is measured of one request. It is counted, and written to the access log, when it is dropped.
///
/// The clock is read at the arrival, when the response begins, and where it waits; and at the end, if the whole response was not there when it began.
#[derive(Debug)]
pub(super) struct RequestRecord {
    session: Arc<Session>,
    began: Instant,
    method: Method,
    target: Option<PathAndQuery>,
    id: RequestIdField,
    endpoint: EndpointIndex,
    /// What a log line says about it.
    pub(super) entry: LogEntry,
    pub(super) trace: RequestTrace,
    /// `None` without an access log.
    access_log: Option<Box<AccessLogEntry>>,
    /// How long the host has waited for its body before it asked for a permit.
    gathered: Duration,
    /// How long it has waited for a permit. `None`: it has not asked for one.
    waited: Option<Duration>,
    /// The status of its response, and the time until that began. `None`: it has not begun.
    response: Option<(StatusCode, Duration)>,
    /// How many bytes of the response's body were passed on.
    bytes: u64,
    /// Whether the response has ended later than it began: its body was waited for, or came in parts.
    ends_later: bool,
    outcome: RequestOutcome,
}

impl RequestRecord {
    /// A request has arrived.
    pub(super) fn begin<B>(session: &Arc<Session>, request: &mut Request<B>, id: &RequestIdField) -> Self {
        let Session { balancer, client, .. } = &**session;
        let method = request.method().clone();
        let endpoint = balancer.metrics().received(&method, request.uri().path());
        let declared =
            (endpoint != EndpointIndex::default()).then(|| balancer.metrics().endpoint_name(endpoint));
        let trace = RequestTrace::begin(&balancer.limits().tracer, client, request, declared);
        let access_log = || Box::new(AccessLogEntry::new(&client.sender.address, request, id));
        Self {
            began: Instant::now(),
            method,
            target: request.uri().path_and_query().cloned(),
            id: id.clone(),
            endpoint,
            entry: LogEntry::new(request.headers()),
            trace,
            access_log: balancer.limits().access_log.then(access_log),
            gathered: Duration::ZERO,
            waited: None,
            response: None,
            bytes: 0,
            ends_later: false,
            outcome: RequestOutcome::ClientLeft,
            session: Arc::clone(session),
        }
    }

    /// The connection that it came on.
    pub(super) const fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Enough of its body has arrived, after a wait, and it asks for a permit.
    pub(super) fn end_gathering(&mut self) {
        self.gathered = self.began.elapsed();
    }

    /// It has got a permit, or will get none, after it has waited this long in total.
    pub(super) fn set_waited(&mut self, waited: Duration) {
        self.waited = Some(waited);
        self.trace.set_waited(waited);
    }

    /// What is known of it as the holder of a permit since then. `None`: since it asked for its first permit.
    pub(super) fn holder<B>(
        &self,
        request: &Request<B>,
        id: &RequestIdField,
        since: Option<Instant>,
    ) -> Holder {
        Holder {
            method: self.method.clone(),
            target: request.uri().path_and_query().cloned(),
            request_id: id.clone(),
            endpoint: self.endpoint,
            since: since.unwrap_or(self.began + self.gathered),
            client: Arc::downgrade(&self.session.client),
            response_begun: false,
        }
    }

    /// The host answers it with an error of its own.
    pub(super) fn fail<B>(&mut self, error: ProxyError, request: &Request<B>, id: &RequestIdField) {
        let error_type = error.error_type();
        self.session.balancer.metrics().error(error_type);
        let refused = RefusedClient {
            client: self.session.client.sender.address.to_str().ok(),
            method: Some(method_of(&self.method)),
            path: Some(path_of(request)),
            request_id: Some(id.as_str()),
            runner: self.entry.runner,
        };
        self.session.balancer.log_refusal(LimitReached::Request(error), refused);
        self.outcome = RequestOutcome::Error(error_type);
    }

    /// Its response begins.
    pub(super) fn respond<B>(&mut self, response: &mut Response<B>) {
        let after = self.began.elapsed();
        self.response = Some((response.status(), after));
        self.session.balancer.metrics().responded(self.endpoint, after);
        if self.session.balancer.limits().server_timing {
            add_server_timing(response.headers_mut(), self.waited.unwrap_or_default(), self.in_runner(after));
        }
    }

    /// A part of its response's body is passed on.
    pub(super) const fn add_bytes(&mut self, bytes: usize) {
        self.ends_later |= self.bytes > 0;
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// More of its response's body is waited for.
    pub(super) const fn await_part(&mut self) {
        self.ends_later = true;
    }

    /// Its whole response was passed on.
    pub(super) fn complete(&mut self) {
        if self.outcome == RequestOutcome::ClientLeft {
            self.outcome = RequestOutcome::Completed;
        }
    }

    /// The runner has broken off its response.
    pub(super) const fn break_off(&mut self) {
        self.outcome = RequestOutcome::ResponseBroken;
    }

    /// How long a runner has had it, of this time since its arrival.
    fn in_runner(&self, after: Duration) -> Duration {
        let waited = self.waited.filter(|_| self.entry.runner.is_some());
        waited.map_or(Duration::ZERO, |waited| after.saturating_sub(self.gathered + waited))
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let outcome = self.outcome;
        let is_whole = matches!(outcome, RequestOutcome::Completed | RequestOutcome::Error(_));
        // hyper may keep a part for a client of HTTP/2 that takes nothing yet.
        let ends_later = self.ends_later || self.session.client.is_stream();
        let duration = match self.response {
            Some((_, after)) if is_whole && !ends_later => after,
            _ => self.began.elapsed(),
        };
        let mut completion = match self.response {
            Some((status, _)) if is_whole => Completion::Answered(status),
            _ => Completion::Aborted,
        };
        let metrics = self.session.balancer.metrics();
        let client = &self.session.client;
        // The host has cut it off: it has not left by itself.
        let outcome = match outcome {
            RequestOutcome::ClientLeft
                if client.cut_off.has_stalled() || client.connection().cut_off.has_stalled() =>
            {
                let path = self.target.as_ref().map_or("*", |target| cut(target.path())).to_owned();
                let (method, id, runner) = (self.method.clone(), self.id.clone(), self.entry.runner);
                // A connection is cut off once.
                let _ = self.session.cut_off.set(Box::new(CutOffRequest { method, path, id, runner }));
                completion = Completion::ClientTimeout;
                metrics.error(HostErrorType::ClientTimeout);
                RequestOutcome::Error(HostErrorType::ClientTimeout)
            }
            #[cfg(feature = "http2")]
            RequestOutcome::ClientLeft if client.connection().cut_off.has_flooded() => {
                RequestOutcome::TooManyFrames
            }
            outcome => outcome,
        };
        self.trace.end(self.response.map(|(status, _)| status), outcome);
        if let Some(waited) = self.waited {
            metrics.waited(waited);
        }
        metrics.completed(self.endpoint, &self.method, completion, duration);
        if let Some(access_log) = &self.access_log {
            let until_response = self.response.map_or(duration, |(_, after)| after);
            access_log.write(
                &self.entry,
                &Ended {
                    method: &self.method,
                    endpoint: metrics.endpoint_name(self.endpoint),
                    status: self.response.map(|(status, _)| status),
                    bytes: self.bytes,
                    duration,
                    queue: self.waited.unwrap_or_default(),
                    runner: self.in_runner(until_response),
                    outcome,
                },
            );
        }
    }
}

/// Tells a client how long its request has waited and how long its runner took to begin the response (S83e).
fn add_server_timing(headers: &mut HeaderMap, queue: Duration, runner: Duration) {
    let value = format!("queue;dur={}, runner;dur={}", milliseconds(queue), milliseconds(runner));
    // Digits and ASCII letters are always a header value.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.append(&SERVER_TIMING, value);
    }
}
