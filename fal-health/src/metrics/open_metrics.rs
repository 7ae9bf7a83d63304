//! Writes metrics as a page of OpenMetrics, with the encoder of `prometheus-client`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::family::{MetricFamily, MetricKind, SeriesValue};

/// The `content-type` of a page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The last line of a page.
pub const END_OF_PAGE: &str = "# EOF\n";

/// Writes these families as a page of OpenMetrics, each series with these labels, too. Every name must be valid, and no two
/// families may have the same one.
pub fn to_openmetrics(families: Vec<MetricFamily>, labels: &[(&str, &str)]) -> String {
    let (labels, mut page) = (shared_labels(labels), String::new());
    for family in families {
        page.push_str(MetricText::new(family, &labels).as_str());
    }
    page.push_str(END_OF_PAGE);
    page
}

/// Labels that every series of some metrics has.
pub type SharedLabels = Arc<[(String, String)]>;

/// Labels that every series of some metrics has.
pub fn shared_labels(labels: &[(&str, &str)]) -> SharedLabels {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// One metric as it stands on a page of OpenMetrics: the lines that describe it, and those of its series. Two texts of the same
/// metric make one if the second one is appended [without its description](Self::series).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricText {
    kind: MetricKind,
    text: String,
    /// The length of the description.
    description: usize,
}

impl MetricText {
    /// Writes this metric, each series with these labels, too. Its name must be valid. A metric without series has no text.
    pub fn new(family: impl Into<Arc<MetricFamily>>, labels: &SharedLabels) -> Self {
        let (family, shared) = (family.into(), Arc::clone(labels));
        let kind = family.kind;
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Family { family, shared }));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode_registry(&mut text, &registry);
        let description =
            text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum();
        Self { kind, text, description }
    }

    /// What its values are.
    pub const fn kind(&self) -> MetricKind {
        self.kind
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The lines of the series.
    pub fn series(&self) -> &str {
        self.text.get(self.description..).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Family {
    family: Arc<MetricFamily>,
    shared: SharedLabels,
}

impl Collector for Family {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self { family, shared } = self;
        if family.series.is_empty() {
            return Ok(());
        }
        let (name, unit) = split_unit(&family.name);
        let kind = match family.kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Histogram => MetricType::Histogram,
        };
        let mut metric = encoder.encode_descriptor(name, &escape(&family.help), unit.as_ref(), kind)?;
        for series in &family.series {
            let labels = Labels::new(shared.iter().chain(&*series.labels));
            encode(metric.encode_family(&labels)?, family.kind, &series.value)?;
        }
        Ok(())
    }
}

fn encode(mut encoder: MetricEncoder<'_>, kind: MetricKind, value: &SeriesValue) -> fmt::Result {
    match value {
        SeriesValue::Number(number) if kind == MetricKind::Counter => {
            encoder.encode_counter::<NoLabelSet, _, f64>(number, None)
        }
        SeriesValue::Number(number) => encoder.encode_gauge(number),
        SeriesValue::Histogram { sum, buckets } => {
            let buckets: Vec<_> =
                buckets.iter().map(|bucket| (bucket.0.unwrap_or(f64::INFINITY), bucket.1)).collect();
            let count = buckets.iter().map(|(_, count)| count).sum();
            encoder.encode_histogram::<NoLabelSet>(*sum, count, &buckets, None)
        }
    }
}

/// The labels of a series. A histogram repeats them on each of its lines, so they are written once and copied.
#[derive(Debug)]
struct Labels<'a> {
    /// All of it but the value of the last label, as the encoder writes keys as they are: `a="1",b`.
    key: String,
    last: Option<&'a str>,
}

impl<'a> Labels<'a> {
    fn new(labels: impl Iterator<Item = &'a (String, String)>) -> Self {
        let (mut key, mut last) = (String::with_capacity(128), None);
        for (name, value) in labels {
            if let Some(value) = last.replace(value.as_str()) {
                key.extend(["=\"", &*escape(value), "\","]);
            }
            key.push_str(name);
        }
        Self { key, last }
    }
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let Some(last) = self.last else { return Ok(()) };
        let mut label = encoder.encode_label();
        let mut key = label.encode_label_key()?;
        key.write_str(&self.key)?;
        let mut value = key.encode_label_value()?;
        value.write_str(last)?;
        value.finish()
    }
}

/// The name without its unit, and the unit, which the encoder appends.
fn split_unit(name: &str) -> (&str, Option<Unit>) {
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    let found = units.into_iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, Some(unit))));
    found.unwrap_or((name, None))
}

/// Escapes a label or a help, as the encoder does with the last label only.
fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['\\', '\n', '"']) {
        return Cow::Owned(text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\""));
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::super::Histogram;
    use super::*;

    #[test]
    fn a_page_has_each_family_with_its_unit_and_its_series() {
        let histogram = Histogram::new(&[0.5]);
        histogram.observe(0.25);
        histogram.observe(4.0);
        let families = vec![
            MetricFamily::new(MetricKind::Counter, "hits", "Says \"hi\",\nand \\.")
                .with([("to", "a\"b")], 3_u64),
            MetricFamily::new(MetricKind::Gauge, "size_bytes", "How large.").with([], 0.5),
            MetricFamily::new(MetricKind::Histogram, "wait_seconds", "How long.").with([], histogram.value()),
            MetricFamily::new(MetricKind::Gauge, "unused", "Without a series."),
        ];
        let page = to_openmetrics(families, &[("app", "a b")]);
        let expected = "# HELP hits Says \\\"hi\\\",\\nand \\\\.\n# TYPE hits counter\nhits_total{app=\"a b\",to=\"a\\\"b\"} 3.0\n\
            # HELP size_bytes How large.\n# TYPE size_bytes gauge\n# UNIT size_bytes bytes\nsize_bytes{app=\"a b\"} 0.5\n\
            # HELP wait_seconds How long.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n\
            wait_seconds_sum{app=\"a b\"} 4.25\nwait_seconds_count{app=\"a b\"} 2\nwait_seconds_bucket{le=\"0.5\",app=\"a b\"} 1\n\
            wait_seconds_bucket{le=\"+Inf\",app=\"a b\"} 2\n# EOF\n";
        assert_eq!(page, expected);
    }

    #[test]
    fn every_label_of_a_series_is_escaped() {
        let family = MetricFamily::new(MetricKind::Gauge, "a", "Help.").with([("b", "\\"), ("c", "\n")], 1.0);
        let text = MetricText::new(family, &shared_labels(&[("app", "\"")]));
        assert_eq!(text.series(), "a{app=\"\\\"\",b=\"\\\\\",c=\"\\n\"} 1.0\n");
        assert_eq!(text.as_str(), format!("# HELP a Help.\n# TYPE a gauge\n{}", text.series()));
    }
}
