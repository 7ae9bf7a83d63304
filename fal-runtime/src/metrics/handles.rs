//! What user code counts with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cells::{Cell, MetricCells};

/// A number that only grows. Clones count together.
#[derive(Clone, Debug)]
pub struct Counter(pub(super) Arc<Cell>);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.0.add(1.0);
    }

    /// Adds a number.
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles in every database that reads them")]
    pub fn add(&self, number: u64) {
        self.0.add(number as f64);
    }

    /// Adds a duration, in seconds.
    pub fn add_duration(&self, duration: Duration) {
        self.0.add(duration.as_secs_f64());
    }
}

/// A number that goes up and down. Clones are the same gauge.
#[derive(Clone, Debug)]
pub struct Gauge(pub(super) Arc<Cell>);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, number: f64) {
        self.0.set(number);
    }

    /// Adds a number, which may be negative.
    pub fn add(&self, number: f64) {
        self.0.add(number);
    }
}

/// A distribution of values. Clones record together.
#[derive(Clone, Debug)]
pub struct Histogram(pub(super) Arc<Cell>);

impl Histogram {
    /// Records a value.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }

    /// Records a duration, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }
}

/// A metric for each combination of values of `N` labels.
#[derive(Clone)]
pub struct Labeled<M, const N: usize> {
    metric: Arc<MetricCells>,
    labels: [&'static str; N],
    make: fn(Arc<Cell>) -> M,
}

impl<M, const N: usize> Labeled<M, N> {
    pub(super) fn new(metric: Arc<MetricCells>, labels: [&'static str; N], make: fn(Arc<Cell>) -> M) -> Self {
        Self { metric, labels, make }
    }

    /// The metric with these values of the labels. To look it up takes a lock: where that matters, keep it.
    ///
    /// Take values of a small set, such as names of models, and never ids or other input of clients.
    pub fn with(&self, values: [&str; N]) -> M {
        (self.make)(self.metric.cell(&self.labels, &values))
    }
}

impl<M, const N: usize> fmt::Debug for Labeled<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Labeled").field(&self.metric).field(&self.labels).finish()
    }
}
