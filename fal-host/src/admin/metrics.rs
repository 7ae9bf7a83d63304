//! The page of metrics, for Prometheus (S82).

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use fal_health::metrics::{self, MetricFamily, to_openmetrics};

/// All metrics of a host as OpenMetrics. Each series has the label `application`.
pub(super) fn page(application: &str, families: Vec<MetricFamily>) -> Response {
    let page = to_openmetrics(families, &[("application", application)]);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page).into_response()
}
