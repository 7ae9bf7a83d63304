//! The metrics that runners count themselves, merged by replica (S82c).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fal_health::metrics::{
    Bucket, MetricFamily, MetricKind, Series, SeriesValue, is_label_name, is_metric_name,
};

use crate::id::RunnerId;

/// How many metrics a runner may have. Further ones are ignored.
const MAX_FAMILIES: usize = 256;

/// How many series of one metric are kept of a replica, over all of its runners. Further ones are ignored.
const MAX_SERIES: usize = 1024;

/// The metrics that runners have sent.
#[derive(Debug, Default)]
pub(crate) struct RunnerMetrics(Mutex<MetricTable>);

#[derive(Debug, Default)]
struct MetricTable {
    runners: BTreeMap<RunnerId, ReportedMetrics>,
    /// By the index of the replica: what its runners that have ended have counted, so that no counter falls.
    ended: BTreeMap<usize, BTreeMap<String, MetricFamily>>,
}

#[derive(Debug)]
struct ReportedMetrics {
    replica: usize,
    families: BTreeMap<String, MetricFamily>,
}

impl RunnerMetrics {
    /// A metric of a runner has these values now. One that would make the page invalid is ignored.
    pub(crate) fn report(&self, runner: RunnerId, replica: usize, family: MetricFamily) {
        if !is_valid(&family) {
            tracing::debug!(%runner, name = ?family.name, "ignored a metric that is not valid");
            return;
        }
        let table = &mut *self.lock();
        let new = || ReportedMetrics { replica, families: BTreeMap::new() };
        let families = &mut table.runners.entry(runner).or_insert_with(new).families;
        if families.len() < MAX_FAMILIES || families.contains_key(&family.name) {
            families.insert(family.name.clone(), family);
        }
    }

    /// A runner has ended: what it has counted stays, and what it has measured does not.
    pub(crate) fn end(&self, runner: RunnerId) {
        let table = &mut *self.lock();
        let Some(ReportedMetrics { replica, families }) = table.runners.remove(&runner) else { return };
        let ended = table.ended.entry(replica).or_default();
        for family in families.into_values().filter(|family| family.kind != MetricKind::Gauge) {
            add(ended, &family);
        }
    }

    /// The metrics of all replicas. Each series has the label `replica`.
    pub(crate) fn families(&self) -> Vec<MetricFamily> {
        let table = self.lock();
        let mut replicas = table.ended.clone();
        // A gauge is the one of the newest runner, which comes last.
        for ReportedMetrics { replica, families } in table.runners.values() {
            let replica = replicas.entry(*replica).or_default();
            for family in families.values() {
                add(replica, family);
            }
        }
        let mut merged = BTreeMap::<String, MetricFamily>::new();
        for (replica, families) in replicas {
            let replica = replica.to_string();
            for family in families.into_values() {
                let all = merged
                    .entry(family.name.clone())
                    .or_insert_with(|| MetricFamily::new(family.kind, &*family.name, &*family.help));
                // Two programs may disagree about a metric during an update. The lower replica wins.
                if all.kind == family.kind {
                    all.series.extend(family.series.into_iter().map(|mut series| {
                        series.labels.push(("replica".to_owned(), replica.clone()));
                        series
                    }));
                }
            }
        }
        merged.into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, MetricTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds the values of a metric to those of the same replica.
fn add(families: &mut BTreeMap<String, MetricFamily>, from: &MetricFamily) {
    let into = families
        .entry(from.name.clone())
        .or_insert_with(|| MetricFamily::new(from.kind, &*from.name, &*from.help));
    if into.kind != from.kind {
        return;
    }
    for series in &from.series {
        let is_full = into.series.len() >= MAX_SERIES;
        let same = into.series.iter_mut().find(|other| other.labels == series.labels);
        match same {
            Some(same) if from.kind == MetricKind::Gauge => same.value = series.value.clone(),
            Some(same) => same.value = sum(&same.value, &series.value),
            None if is_full => {}
            None => into.series.push(series.clone()),
        }
    }
}

/// The sum of two counters, or of two histograms with the same bounds. Of others, the second one.
fn sum(one: &SeriesValue, other: &SeriesValue) -> SeriesValue {
    match (one, other) {
        (SeriesValue::Number(one), SeriesValue::Number(other)) => SeriesValue::Number(one + other),
        (
            SeriesValue::Histogram { sum: one_sum, buckets: one },
            SeriesValue::Histogram { sum: other_sum, buckets: other },
        ) if one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.0 == other.0) => {
            let buckets =
                one.iter().zip(other).map(|(one, other)| Bucket(one.0, one.1.saturating_add(other.1)));
            SeriesValue::Histogram { sum: one_sum + other_sum, buckets: buckets.collect() }
        }
        _ => other.clone(),
    }
}

/// Whether a metric of a runner can stand on the page beside those of the host and of other runners.
fn is_valid(family: &MetricFamily) -> bool {
    let is_of_host = family.name.starts_with("fal_host_")
        || family.name.starts_with("fal_app_") && family.name != "fal_app_info";
    is_metric_name(&family.name)
        && !is_of_host
        && family.series.len() <= MAX_SERIES
        && family.series.iter().all(|series| is_valid_series(family.kind, series))
}

fn is_valid_series(kind: MetricKind, series: &Series) -> bool {
    let names: BTreeSet<_> = series.labels.iter().map(|(name, _)| name.as_str()).collect();
    let has_valid_labels = names.len() == series.labels.len()
        && names.iter().all(|name| is_label_name(name) && !["application", "le", "replica"].contains(name));
    let has_valid_value = match &series.value {
        SeriesValue::Number(number) => kind != MetricKind::Histogram && number.is_finite(),
        SeriesValue::Histogram { sum, buckets } => {
            let bounds: Option<Vec<f64>> = buckets
                .split_last()
                .filter(|(last, _)| last.0.is_none())
                .and_then(|(_, rest)| rest.iter().map(|bucket| bucket.0).collect());
            kind == MetricKind::Histogram
                && sum.is_finite()
                && bounds.is_some_and(|bounds| bounds.is_sorted())
        }
    };
    has_valid_labels && has_valid_value
}

#[cfg(test)]
mod tests {
    use fal_health::metrics::Histogram;

    use super::*;

    fn counter(value: u64) -> MetricFamily {
        MetricFamily::new(MetricKind::Counter, "tokens", "Tokens.").with([("model", "small")], value)
    }

    fn gauge(value: f64) -> MetricFamily {
        MetricFamily::new(MetricKind::Gauge, "load", "Load.").with([], value)
    }

    fn histogram(values: &[f64]) -> MetricFamily {
        let histogram = Histogram::new(&[1.0]);
        for value in values {
            histogram.observe(*value);
        }
        MetricFamily::new(MetricKind::Histogram, "wait_seconds", "Wait.").with([], histogram.value())
    }

    fn shown(metrics: &RunnerMetrics, name: &str) -> Vec<Series> {
        let families = metrics.families();
        families
            .into_iter()
            .find(|family| family.name == name)
            .map(|family| family.series)
            .unwrap_or_default()
    }

    #[test]
    fn what_a_replica_has_counted_outlives_its_runners_and_what_it_measures_is_the_newest_s82c() {
        let (metrics, [old, other, new]) = (RunnerMetrics::default(), [1, 2, 3].map(RunnerId::new));
        for family in [counter(5), gauge(0.5), histogram(&[0.5, 3.0])] {
            metrics.report(old, 0, family);
        }
        metrics.report(other, 1, counter(2));
        metrics.report(new, 0, gauge(0.25));
        let values = |name| -> Vec<_> {
            shown(&metrics, name).into_iter().map(|series| (series.labels, series.value)).collect()
        };
        let labels = |replica: &str| {
            [("model", "small"), ("replica", replica)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        };
        assert_eq!(values("tokens"), [(labels("0"), 5_u64.into()), (labels("1"), 2_u64.into())]);
        assert_eq!(shown(&metrics, "load")[0].value, 0.25.into());
        metrics.end(old);
        metrics.report(new, 0, counter(1));
        metrics.report(new, 0, histogram(&[0.25]));
        assert_eq!(values("tokens"), [(labels("0"), 6_u64.into()), (labels("1"), 2_u64.into())]);
        let [all] = &shown(&metrics, "wait_seconds")[..] else { panic!("one series") };
        assert_eq!(
            all.value,
            SeriesValue::Histogram { sum: 3.75, buckets: vec![Bucket(Some(1.0), 2), Bucket(None, 1)] }
        );
        metrics.end(new);
        assert_eq!(shown(&metrics, "load"), []);
        assert_eq!(values("tokens").len(), 2);
    }

    #[test]
    fn a_metric_that_would_make_the_page_invalid_is_ignored_s82c() {
        let metrics = RunnerMetrics::default();
        let new = |name: &str| MetricFamily::new(MetricKind::Gauge, name, "Help.");
        for family in [
            new("fal_app_runners").with([], 1_u64),
            new("fal_host_lag_seconds").with([], 1_u64),
            new("a b").with([], 1_u64),
            new("a").with([("replica", "7")], 1_u64),
            new("a").with([("a\"", "7")], 1_u64),
            new("a").with([("b", "1"), ("b", "2")], 1_u64),
            new("a").with([], f64::NAN),
            new("a").with([], SeriesValue::Histogram { sum: 1.0, buckets: vec![Bucket(None, 1)] }),
            MetricFamily::new(MetricKind::Histogram, "a", "Help.")
                .with([], SeriesValue::Histogram { sum: 1.0, buckets: Vec::new() }),
        ] {
            metrics.report(RunnerId::new(1), 0, family);
        }
        assert_eq!(metrics.families(), []);
        metrics.report(RunnerId::new(1), 0, new("fal_app_info").with([("version", "1")], 1_u64));
        assert_eq!(metrics.families().len(), 1);
    }

    #[test]
    fn no_runner_adds_metrics_without_limit_s82b_s82c() {
        let metrics = RunnerMetrics::default();
        for number in 0..5_000_u64 {
            let (id, name) = (RunnerId::new(number), format!("a{number}"));
            metrics.report(id, 0, counter(1));
            metrics.report(
                id,
                0,
                MetricFamily::new(MetricKind::Counter, "b", "").with([("c", &*name)], 1_u64),
            );
            metrics.end(id);
            metrics.report(
                RunnerId::new(9_999),
                0,
                MetricFamily::new(MetricKind::Gauge, name, "").with([], 1_u64),
            );
        }
        assert_eq!(shown(&metrics, "tokens")[0].value, 5_000_u64.into());
        assert_eq!(shown(&metrics, "b").len(), MAX_SERIES);
        assert_eq!(metrics.families().len(), MAX_FAMILIES + 2);
    }
}
