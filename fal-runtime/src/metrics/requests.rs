//! The metrics of a runner's requests, with the names of fal's Python SDK.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fal_health::metrics::{MetricKind, SECONDS};
use http::{Method, StatusCode};

use super::cells::{Cell, MetricCells};
use super::registry::registered;

/// The metrics of one endpoint.
#[derive(Debug)]
pub(crate) struct EndpointCounts {
    path: &'static str,
    requests: Arc<MetricCells>,
    durations: Arc<MetricCells>,
    in_progress: Arc<MetricCells>,
    known: Mutex<KnownSeries>,
}

/// The series that were looked up before. The endpoint's own methods and results bound them: few enough for a search.
#[derive(Debug, Default)]
struct KnownSeries {
    in_progress: Vec<(Method, Arc<Cell>)>,
    by_status: Vec<(Method, StatusCode, RequestCells)>,
}

#[derive(Clone, Debug)]
struct RequestCells {
    requests: Arc<Cell>,
    durations: Arc<Cell>,
}

/// A request in progress. It is counted when its response begins, or when it is dropped before.
#[derive(Debug)]
pub(crate) struct CountedRequest<'a> {
    endpoint: &'a EndpointCounts,
    in_progress: Arc<Cell>,
    began: Instant,
}

impl EndpointCounts {
    pub(crate) fn new(path: &'static str) -> Self {
        let metric = |name, help, kind, bounds| {
            // The reserved names are never taken.
            registered(name, help, kind, bounds)
                .unwrap_or_else(|_| Arc::new(MetricCells::new(name, help, kind, bounds)))
        };
        Self {
            path,
            requests: metric(
                "http_requests",
                "Requests to endpoints that were answered.",
                MetricKind::Counter,
                &[],
            ),
            durations: metric(
                "http_request_duration_seconds",
                "Time from the arrival of a request in the runner to the beginning of its response.",
                MetricKind::Histogram,
                SECONDS,
            ),
            in_progress: metric(
                "http_requests_in_progress",
                "Requests that the runner works on.",
                MetricKind::Gauge,
                &[],
            ),
            known: Mutex::default(),
        }
    }

    /// A request has arrived.
    pub(crate) fn begin(&self, method: &Method) -> CountedRequest<'_> {
        let in_progress = self.in_progress(method);
        in_progress.add(1.0);
        CountedRequest { endpoint: self, in_progress, began: Instant::now() }
    }

    fn in_progress(&self, method: &Method) -> Arc<Cell> {
        let known = &mut self.known().in_progress;
        if let Some((_, cell)) = known.iter().find(|(other, _)| other == method) {
            return Arc::clone(cell);
        }
        let cell = self.in_progress.cell(&["method"], &[method.as_str()]);
        known.push((method.clone(), Arc::clone(&cell)));
        cell
    }

    fn cells(&self, method: &Method, status: StatusCode) -> RequestCells {
        let known = &mut self.known().by_status;
        let found = known.iter().find(|(other, code, _)| other == method && *code == status);
        if let Some((.., cells)) = found {
            return cells.clone();
        }
        let names = ["method", "path", "status_code"];
        let values = [method.as_str(), self.path, status.as_str()];
        let cells = RequestCells {
            requests: self.requests.cell(&names, &values),
            durations: self.durations.cell(&names, &values),
        };
        known.push((method.clone(), status, cells.clone()));
        cells
    }

    fn known(&self) -> MutexGuard<'_, KnownSeries> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CountedRequest<'_> {
    /// The response begins.
    pub(crate) fn finish(self, method: &Method, status: StatusCode) {
        let cells = self.endpoint.cells(method, status);
        cells.requests.add(1.0);
        cells.durations.observe(self.began.elapsed().as_secs_f64());
    }
}

impl Drop for CountedRequest<'_> {
    fn drop(&mut self) {
        self.in_progress.add(-1.0);
    }
}

/// Shows the version of the app.
pub(crate) fn set_version(version: &str) {
    if let Ok(info) = registered("fal_app_info", "The version of the app.", MetricKind::Gauge, &[]) {
        info.cell(&["version"], &[version]).set(1.0);
    }
}
