//! Metrics: what a host and its runners count, in the form in which runners send it and a page shows it.
//!
//! A [`MetricFamily`] is one metric with all its series at one moment. [`Histogram`] counts values in buckets and can be
//! shared by threads. With the feature `openmetrics`, [`to_openmetrics`] writes families as a page that Prometheus reads.

mod family;
mod histogram;
#[cfg(feature = "openmetrics")]
mod open_metrics;

pub use family::{Bucket, MetricFamily, MetricKind, Series, SeriesValue, is_label_name, is_metric_name};
pub use histogram::{Histogram, SECONDS};
#[cfg(feature = "openmetrics")]
pub use open_metrics::{CONTENT_TYPE, END_OF_PAGE, MetricText, SharedLabels, shared_labels, to_openmetrics};
