//! The values of one metric, which threads share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fal_health::metrics::{self, MetricFamily, MetricKind, SeriesValue, is_label_name};

/// How many series a metric may have.
const MAX_SERIES: usize = 256;

/// How long the value of a label may be, in bytes. A longer one is cut.
const MAX_VALUE: usize = 128;

/// One metric with its series.
#[derive(Debug)]
pub(crate) struct MetricCells {
    name: String,
    help: String,
    pub(super) kind: MetricKind,
    bounds: Vec<f64>,
    series: Mutex<BTreeMap<Labels, Arc<Cell>>>,
    /// Whether the log says already that there are too many series, or an invalid label.
    has_warned: AtomicBool,
}

type Labels = Vec<(String, String)>;

/// The value of one series.
#[derive(Debug)]
pub(crate) enum Cell {
    /// The bits of an `f64`.
    Number(AtomicU64),
    Histogram(metrics::Histogram),
}

impl MetricCells {
    pub(super) fn new(name: &str, help: &str, kind: MetricKind, bounds: &[f64]) -> Self {
        Self {
            name: name.to_owned(),
            help: help.to_owned(),
            kind,
            bounds: bounds.to_vec(),
            series: Mutex::default(),
            has_warned: AtomicBool::new(false),
        }
    }

    /// The value of the series with these labels. One that cannot be shown is counted nevertheless.
    pub(super) fn cell(&self, names: &[&str], values: &[&str]) -> Arc<Cell> {
        let cut =
            |value: &str| value.get(..value.floor_char_boundary(MAX_VALUE)).unwrap_or_default().to_owned();
        let labels: Labels =
            names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), cut(value))).collect();
        let new = || Arc::new(Cell::new(self.kind, &self.bounds));
        let mut series = self.lock();
        if let Some(cell) = series.get(&labels) {
            return Arc::clone(cell);
        }
        let is_valid =
            names.iter().all(|name| is_label_name(name) && !["application", "le", "replica"].contains(name));
        if !is_valid || series.len() >= MAX_SERIES {
            if !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    metric = self.name,
                    labels = ?names,
                    "a series of this metric is not shown: expected valid names of labels, other than `application`, `le` and \
                     `replica`, and at most {MAX_SERIES} combinations of their values"
                );
            }
            return new();
        }
        Arc::clone(series.entry(labels).or_insert_with(new))
    }

    /// The values at this moment. Numbers that are not finite are left out.
    pub(super) fn snapshot(&self) -> MetricFamily {
        let mut family = MetricFamily::new(self.kind, &*self.name, &*self.help);
        for (labels, cell) in self.lock().iter() {
            let value = cell.value();
            if !matches!(value, SeriesValue::Number(number) if !number.is_finite()) {
                family.push(labels.iter().map(|(name, value)| (&**name, &**value)), value);
            }
        }
        family
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Labels, Arc<Cell>>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cell {
    fn new(kind: MetricKind, bounds: &[f64]) -> Self {
        match kind {
            MetricKind::Histogram => Self::Histogram(metrics::Histogram::new(bounds)),
            MetricKind::Counter | MetricKind::Gauge => Self::Number(AtomicU64::new(0.0_f64.to_bits())),
        }
    }

    pub(super) fn add(&self, amount: f64) {
        if let Self::Number(number) = self {
            let add = |bits| Some((f64::from_bits(bits) + amount).to_bits());
            // It never fails: the function always returns a sum.
            let _ = number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }

    pub(super) fn set(&self, value: f64) {
        if let Self::Number(number) = self {
            number.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    pub(super) fn observe(&self, value: f64) {
        if let Self::Histogram(histogram) = self {
            histogram.observe(value);
        }
    }

    fn value(&self) -> SeriesValue {
        match self {
            Self::Number(bits) => f64::from_bits(bits.load(Ordering::Relaxed)).into(),
            Self::Histogram(histogram) => histogram.value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_one_series_for_each_combination_of_labels_up_to_a_limit_s82c() {
        let metric = MetricCells::new("a", "", MetricKind::Counter, &[]);
        for number in 0..1000 {
            metric.cell(&["b"], &[&number.to_string()]).add(1.0);
            metric.cell(&["b"], &["0"]).add(1.0);
        }
        let family = metric.snapshot();
        assert_eq!(family.series.len(), MAX_SERIES);
        assert_eq!(family.series[0].value, 1001_u64.into());
    }

    #[test]
    fn invalid_labels_and_numbers_are_not_shown_s82c() {
        let metric = MetricCells::new("a", "", MetricKind::Gauge, &[]);
        for name in ["replica", "a-b", "__a", ""] {
            metric.cell(&[name], &["x"]).set(1.0);
        }
        metric.cell(&[], &[]).set(f64::INFINITY);
        metric.cell(&["b"], &[&"é".repeat(100)]).set(2.0);
        let [series] = &metric.snapshot().series[..] else { panic!("one series") };
        assert_eq!(series.labels[0].1, "é".repeat(MAX_VALUE / 2));
    }
}
