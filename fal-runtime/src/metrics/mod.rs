//! Metrics of your own, beside those of the runner.
//!
//! Make each metric once, in a `static`. Then it costs an atomic addition to count:
//!
//! ```
//! use std::sync::LazyLock;
//! use fal_runtime::metrics::{self, Counter, Histogram, Labeled};
//!
//! static TOKENS: LazyLock<Labeled<Counter, 1>> =
//!     LazyLock::new(|| metrics::counter_by("tokens", "Tokens that were generated.", ["model"]));
//! static LOADING: LazyLock<Histogram> =
//!     LazyLock::new(|| metrics::histogram("load_seconds", "Time to load a model.", metrics::SECONDS));
//!
//! TOKENS.with(["small"]).add(12);
//! LOADING.observe(0.7);
//! ```
//!
//! A host shows them on `/metrics` of its admin interface, with the label `replica`
//! ([S82c](fal_health::semantics#s82c)), at most a second later. A runner without a host shows them with
//! `serve --metrics`.
//!
//! A name has letters, digits and `_`, and ends with its unit: `_seconds` or `_bytes`. Names that begin with `fal_` or
//! `http_` are reserved. An app may have 128 metrics, each with 256 combinations of label values; further ones are not
//! shown. An error in the log says so, and that a name is invalid. Counting works in either case.

mod cells;
mod handles;
mod registry;
mod requests;

pub use fal_health::metrics::{Bucket, MetricFamily, MetricKind, SECONDS, Series, SeriesValue};
pub use handles::{Counter, Gauge, Histogram, Labeled};
pub use registry::families;
pub(crate) use requests::{EndpointCounts, set_version};

use registry::of_user;

/// A counter: a number that only grows. Prometheus shows its name with the suffix `_total`.
///
/// Every call with the same name returns the same counter.
pub fn counter(name: &str, help: &str) -> Counter {
    Counter(of_user(name, help, MetricKind::Counter, &[]).cell(&[], &[]))
}

/// A gauge: a number that goes up and down. A host shows the one of the newest runner of each replica.
pub fn gauge(name: &str, help: &str) -> Gauge {
    Gauge(of_user(name, help, MetricKind::Gauge, &[]).cell(&[], &[]))
}

/// A histogram: how many values are at most each of these bounds. [`SECONDS`] has bounds for durations.
pub fn histogram(name: &str, help: &str, bounds: &[f64]) -> Histogram {
    Histogram(of_user(name, help, MetricKind::Histogram, bounds).cell(&[], &[]))
}

/// A counter for each combination of values of these labels.
pub fn counter_by<const N: usize>(name: &str, help: &str, labels: [&'static str; N]) -> Labeled<Counter, N> {
    Labeled::new(of_user(name, help, MetricKind::Counter, &[]), labels, Counter)
}

/// A gauge for each combination of values of these labels.
pub fn gauge_by<const N: usize>(name: &str, help: &str, labels: [&'static str; N]) -> Labeled<Gauge, N> {
    Labeled::new(of_user(name, help, MetricKind::Gauge, &[]), labels, Gauge)
}

/// A histogram for each combination of values of these labels.
pub fn histogram_by<const N: usize>(
    name: &str,
    help: &str,
    labels: [&'static str; N],
    bounds: &[f64],
) -> Labeled<Histogram, N> {
    Labeled::new(of_user(name, help, MetricKind::Histogram, bounds), labels, Histogram)
}
