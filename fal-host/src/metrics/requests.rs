//! Counts requests where they are served: with atomics, and no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fal_health::metrics::{Histogram, MetricFamily, MetricKind, SECONDS};
use fal_health::protocol::HostErrorType;
use http::{Method, StatusCode};

use super::endpoints::{EndpointIndex, Endpoints};
use crate::latency::LatencyTotal;

/// The values of the label `method`. Every other method is `other`.
const METHODS: [&str; 8] = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "other"];

/// The values of the label `status`: the class of the status, or why the response has no end.
const STATUSES: [&str; 7] = ["1xx", "2xx", "3xx", "4xx", "5xx", "aborted", "client_timeout"];

/// The index of `aborted` in [`STATUSES`], and of `client_timeout`.
const ABORTED: usize = 5;
const CLIENT_TIMEOUT: usize = 6;

/// What is counted of requests and of client connections.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    endpoints: Endpoints,
    /// By the index of the endpoint.
    counts: Vec<EndpointCounts>,
    queue_wait: Histogram,
    /// By the position of the type in [`HostErrorType::ALL`].
    errors: [AtomicU64; HostErrorType::ALL.len()],
    connections: AtomicU64,
    connections_closed: AtomicU64,
}

#[derive(Debug)]
struct EndpointCounts {
    received: [AtomicU64; METHODS.len()],
    completed: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    latency: Histogram,
    time_to_first_byte: Histogram,
}

/// How a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Its whole response was passed on.
    Answered(StatusCode),
    /// The client left or sent too many frames of HTTP/2, or the runner broke off its response.
    Aborted,
    /// The host cut the client off, which did not read its response (S43a).
    ClientTimeout,
}

impl RequestMetrics {
    /// Counts by these endpoints: declared paths, such as `/users/{id}`.
    pub(crate) fn new(endpoints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let endpoints = Endpoints::new(endpoints);
        Self {
            counts: endpoints.indices().map(|_| EndpointCounts::new()).collect(),
            endpoints,
            queue_wait: Histogram::new(SECONDS),
            errors: Default::default(),
            connections: AtomicU64::default(),
            connections_closed: AtomicU64::default(),
        }
    }

    /// The name of an endpoint.
    pub(crate) fn endpoint_name(&self, endpoint: EndpointIndex) -> &str {
        self.endpoints.name(endpoint)
    }

    /// A request has arrived. Returns its endpoint.
    pub(crate) fn received(&self, method: &Method, path: &str) -> EndpointIndex {
        let endpoint = self.endpoints.of(path);
        if let Some(count) = self.of(endpoint).and_then(|counts| counts.received.get(index_of_method(method)))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        endpoint
    }

    /// A request has got a permit, or was refused, after this time in the queue.
    pub(crate) fn waited(&self, wait: Duration) {
        self.queue_wait.observe_duration(wait);
    }

    /// The response to a request begins, this long after the request arrived.
    pub(crate) fn responded(&self, endpoint: EndpointIndex, after: Duration) {
        if let Some(counts) = self.of(endpoint) {
            counts.time_to_first_byte.observe_duration(after);
        }
    }

    /// A request has ended, this long after it arrived.
    pub(crate) fn completed(
        &self,
        endpoint: EndpointIndex,
        method: &Method,
        completion: Completion,
        after: Duration,
    ) {
        let status = match completion {
            Completion::Answered(status) => usize::from(status.as_u16() / 100).clamp(1, ABORTED) - 1,
            Completion::Aborted => ABORTED,
            Completion::ClientTimeout => CLIENT_TIMEOUT,
        };
        let Some(counts) = self.of(endpoint) else { return };
        let count = counts.completed.get(index_of_method(method)).and_then(|counts| counts.get(status));
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Completion::Answered(_) = completion {
            counts.latency.observe_duration(after);
        }
    }

    /// The host has answered a request with an error of its own, or ended its response.
    pub(crate) fn error(&self, error_type: HostErrorType) {
        let position = HostErrorType::ALL.iter().position(|other| *other == error_type);
        if let Some(count) = position.and_then(|position| self.errors.get(position)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A client has connected.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection of a client has ended.
    pub(crate) fn disconnected(&self) {
        self.connections_closed.fetch_add(1, Ordering::Relaxed);
    }

    /// The latency of the requests that were answered.
    pub(crate) fn latency(&self) -> LatencyTotal {
        let latencies = self.counts.iter().map(|counts| &counts.latency);
        latencies.fold(LatencyTotal::default(), |total, latency| LatencyTotal {
            requests: total.requests + latency.count(),
            seconds: total.seconds + latency.sum(),
        })
    }

    /// Everything that was counted so far.
    pub(crate) fn families(&self) -> Vec<MetricFamily> {
        use MetricKind::{Counter, Gauge, Histogram};
        let mut received =
            MetricFamily::new(Counter, "fal_app_requests_received", "Requests that have arrived.");
        let mut completed = MetricFamily::new(
            Counter,
            "fal_app_requests_completed",
            "Requests that have ended, by the class of their status.",
        );
        let mut latency = MetricFamily::new(
            Histogram,
            "fal_app_request_latency_seconds",
            "Time from the arrival of a request's head to the end of its response.",
        );
        let mut first_byte = MetricFamily::new(
            Histogram,
            "fal_app_time_to_first_byte_seconds",
            "Time from the arrival of a request's head to the beginning of its response.",
        );
        for (endpoint, counts) in self.endpoints.indices().zip(&self.counts) {
            let name = self.endpoints.name(endpoint);
            for (index, method) in METHODS.into_iter().enumerate() {
                push_count(
                    &mut received,
                    &[("endpoint", name), ("method", method)],
                    counts.received.get(index),
                );
                for (status, count) in
                    STATUSES.into_iter().zip(counts.completed.get(index).into_iter().flatten())
                {
                    let labels = [("endpoint", name), ("method", method), ("status", status)];
                    push_count(&mut completed, &labels, Some(count));
                }
            }
            if counts.received.iter().any(|count| count.load(Ordering::Relaxed) > 0) {
                latency.push([("endpoint", name)], counts.latency.value());
                first_byte.push([("endpoint", name)], counts.time_to_first_byte.value());
            }
        }
        let mut errors = MetricFamily::new(
            Counter,
            "fal_app_request_errors",
            "Requests that the host has answered with an error of its own.",
        );
        for (error_type, count) in HostErrorType::ALL.into_iter().zip(&self.errors) {
            errors.push([("error_type", error_type.as_str())], count.load(Ordering::Relaxed));
        }
        let (opened, closed) =
            (self.connections.load(Ordering::Relaxed), self.connections_closed.load(Ordering::Relaxed));
        vec![
            received,
            completed,
            latency,
            first_byte,
            MetricFamily::new(
                Histogram,
                "fal_app_queue_wait_seconds",
                "Time that a request has waited for a runner, or until it was refused.",
            )
            .with([], self.queue_wait.value()),
            errors,
            MetricFamily::new(
                Counter,
                "fal_host_connections_accepted",
                "Connections of clients that were accepted.",
            )
            .with([], opened),
            MetricFamily::new(Gauge, "fal_host_connections", "Connections of clients that are open.")
                .with([], opened.saturating_sub(closed)),
        ]
    }

    fn of(&self, endpoint: EndpointIndex) -> Option<&EndpointCounts> {
        self.counts.get(endpoint.get())
    }
}

impl EndpointCounts {
    fn new() -> Self {
        Self {
            received: Default::default(),
            completed: Default::default(),
            latency: Histogram::new(SECONDS),
            time_to_first_byte: Histogram::new(SECONDS),
        }
    }
}

/// Adds a series once its count is not zero: few methods and statuses ever occur at an endpoint.
fn push_count(family: &mut MetricFamily, labels: &[(&str, &str)], count: Option<&AtomicU64>) {
    let count = count.map_or(0, |count| count.load(Ordering::Relaxed));
    if count > 0 {
        family.push(labels.iter().copied(), count);
    }
}

fn index_of_method(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::POST => 1,
        Method::HEAD => 2,
        Method::PUT => 3,
        Method::DELETE => 4,
        Method::PATCH => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_a_method_is_the_one_of_its_name() {
        for (index, name) in METHODS.into_iter().enumerate() {
            assert_eq!(index_of_method(&Method::from_bytes(name.as_bytes()).unwrap()), index, "{name}");
        }
    }

    #[test]
    fn no_request_adds_a_value_to_a_label_s82b() {
        let metrics = RequestMetrics::new(["/predict"]);
        for path in ["/predict", "/1", "/2", "/3"] {
            for method in ["GET", "QUERY", "EVIL"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let endpoint = metrics.received(&method, path);
                let status = StatusCode::from_u16(799).unwrap();
                metrics.completed(endpoint, &method, Completion::Answered(status), Duration::from_secs(1));
            }
        }
        let families = metrics.families();
        let series = |name: &str| families.iter().find(|family| family.name == name).unwrap().series.clone();
        let received = series("fal_app_requests_received");
        let values: Vec<_> =
            received.iter().map(|series| (&series.labels[0].1[..], &series.labels[1].1[..])).collect();
        assert_eq!(
            values,
            [("other", "GET"), ("other", "other"), ("/predict", "GET"), ("/predict", "other")]
        );
        assert_eq!(received[1].value, 6_u64.into());
        assert_eq!(series("fal_app_requests_completed").len(), 4);
        assert_eq!(series("fal_app_request_latency_seconds").len(), 2);
    }
}
