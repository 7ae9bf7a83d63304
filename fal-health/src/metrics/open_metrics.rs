//! Writes metrics as a page of OpenMetrics, with the encoder of `prometheus-client`.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::family::{MetricFamily, MetricKind, SeriesValue};

/// The `content-type` of a page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes these families as a page of OpenMetrics, each series with these labels, too. Every name must be valid, and no two
/// families may have the same one.
pub fn to_openmetrics(families: Vec<MetricFamily>, labels: &[(&'static str, &str)]) -> String {
    let labels = labels.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Owned((*value).to_owned())));
    let mut registry = Registry::with_labels(labels);
    registry.register_collector(Box::new(Families(families)));
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = text::encode(&mut page, &registry);
    page
}

#[derive(Debug)]
struct Families(Vec<MetricFamily>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.0.iter().filter(|family| !family.series.is_empty()) {
            let (name, unit) = split_unit(&family.name);
            let kind = match family.kind {
                MetricKind::Counter => MetricType::Counter,
                MetricKind::Gauge => MetricType::Gauge,
                MetricKind::Histogram => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(name, &escape(&family.help), unit.as_ref(), kind)?;
            for series in &family.series {
                encode(metric.encode_family(&series.labels)?, family.kind, &series.value)?;
            }
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

/// The name without its unit, and the unit, which the encoder appends.
fn split_unit(name: &str) -> (&str, Option<Unit>) {
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    let found = units.into_iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, Some(unit))));
    found.unwrap_or((name, None))
}

/// The encoder escapes labels, but not the help.
fn escape(help: &str) -> String {
    help.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
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
            wait_seconds_sum{app=\"a b\"} 4.25\nwait_seconds_count{app=\"a b\"} 2\nwait_seconds_bucket{app=\"a b\",le=\"0.5\"} 1\n\
            wait_seconds_bucket{app=\"a b\",le=\"+Inf\"} 2\n# EOF\n";
        assert_eq!(page, expected);
    }
}
