//! One metric with all its series at one moment.

use serde::{Deserialize, Serialize};

/// One metric with all its series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetricFamily {
    /// The name, with the unit and without the suffix `_total` of counters.
    pub name: String,
    /// What it counts or measures, in one sentence.
    pub help: String,
    /// What its values are.
    pub kind: MetricKind,
    /// Its series: each combination of label values once.
    pub series: Vec<Series>,
}

/// What the values of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// A number that only grows, until its process ends.
    Counter,
    /// A number at one moment.
    Gauge,
    /// A distribution, in buckets.
    Histogram,
}

/// One value of a metric, with its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Series {
    /// The names and values of its labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: SeriesValue,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SeriesValue {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Histogram {
        /// The sum of all values.
        sum: f64,
        /// The buckets in ascending order. The last one has no bound.
        buckets: Vec<Bucket>,
    },
}

/// How many values of a histogram are at most a bound, and over the bound of the bucket before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket(
    /// The bound. `None` in the last bucket.
    pub Option<f64>,
    /// The number of values.
    pub u64,
);

impl MetricFamily {
    /// A metric without series.
    pub fn new(kind: MetricKind, name: impl Into<String>, help: impl Into<String>) -> Self {
        Self { name: name.into(), help: help.into(), kind, series: Vec::new() }
    }

    /// Adds a series.
    #[must_use]
    pub fn with<'a>(
        mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Into<SeriesValue>,
    ) -> Self {
        self.push(labels, value);
        self
    }

    /// Adds a series.
    pub fn push<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Into<SeriesValue>,
    ) {
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.series.push(Series { labels, value: value.into() });
    }
}

impl From<f64> for SeriesValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for SeriesValue {
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles in every database that reads them")]
    fn from(number: u64) -> Self {
        Self::Number(number as f64)
    }
}

impl From<usize> for SeriesValue {
    fn from(number: usize) -> Self {
        Self::from(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

/// Whether a text is the name of a metric: letters, digits, `_` and `:`, without a digit at the start.
pub fn is_metric_name(text: &str) -> bool {
    is_name(text, |byte| byte == b'_' || byte == b':')
}

/// Whether a text is the name of a label: letters, digits and `_`, without a digit or two `_` at the start.
pub fn is_label_name(text: &str) -> bool {
    is_name(text, |byte| byte == b'_') && !text.starts_with("__")
}

fn is_name(text: &str, is_other: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().first().is_some_and(|first| !first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_other(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_openmetrics() {
        for name in ["a", "http_requests", "_a", "job:rate", "A9"] {
            assert!(is_metric_name(name), "{name}");
        }
        for name in ["", "9a", "a-b", "a b", "ü", "a\n"] {
            assert!(!is_metric_name(name) && !is_label_name(name), "{name:?}");
        }
        assert!(is_label_name("le") && !is_label_name("__name__") && !is_label_name("a:b"));
    }

    #[test]
    fn a_family_is_read_back_from_its_json() {
        let histogram =
            SeriesValue::Histogram { sum: 1.5, buckets: vec![Bucket(Some(1.0), 2), Bucket(None, 1)] };
        let family = MetricFamily::new(MetricKind::Histogram, "a_seconds", "How long a takes.")
            .with([("b", "c")], histogram);
        let json = serde_json::to_string(&family).unwrap();
        assert_eq!(
            json,
            r#"{"name":"a_seconds","help":"How long a takes.","kind":"histogram","series":[{"labels":[["b","c"]],"value":{"sum":1.5,"buckets":[[1.0,2],[null,1]]}}]}"#
        );
        assert_eq!(serde_json::from_str::<MetricFamily>(&json).unwrap(), family);
        let counter = MetricFamily::new(MetricKind::Counter, "a", "b").with([], 7_u64);
        let json = serde_json::to_string(&counter).unwrap();
        assert_eq!(serde_json::from_str::<MetricFamily>(&json).unwrap(), counter, "{json}");
    }
}
