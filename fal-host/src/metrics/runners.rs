//! The metrics that runners count themselves, merged by replica (S82c).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "metrics")]
use fal_health::metrics::MetricText;
use fal_health::metrics::{MetricFamily, MetricKind, Series, SeriesValue, is_label_name, is_metric_name};

use super::merging::{MAX_SERIES, ReplicaMetric, merged};
#[cfg(feature = "metrics")]
use super::texts::RunnerTexts;
use crate::id::RunnerId;

/// How many metrics a runner may have. Further ones are ignored.
const MAX_FAMILIES: usize = 256;

/// The metrics that runners have sent, by the index of the replica.
#[derive(Debug, Default)]
pub(crate) struct RunnerMetrics(Mutex<MetricTable>);

#[derive(Debug, Default)]
struct MetricTable {
    /// By the index of the replica.
    replicas: BTreeMap<usize, ReplicaMetrics>,
    /// `None` until a page is asked for.
    #[cfg(feature = "metrics")]
    texts: Option<RunnerTexts>,
}

/// Metrics by their name. A reader shares them, so it holds the lock for a short time only.
type Families = BTreeMap<String, Arc<MetricFamily>>;

#[derive(Debug, Default)]
struct ReplicaMetrics {
    /// What its runners that have ended have counted, so that no counter falls.
    ended: Families,
    runners: BTreeMap<RunnerId, Families>,
}

impl ReplicaMetrics {
    fn metric(&self, replica: usize, name: String) -> ReplicaMetric {
        let parts = [&self.ended].into_iter().chain(self.runners.values());
        let parts = parts.filter_map(|families| families.get(&name).cloned()).collect();
        ReplicaMetric { replica, name, parts }
    }

    fn names(&self) -> BTreeSet<&str> {
        self.ended.keys().chain(self.runners.values().flat_map(Families::keys)).map(String::as_str).collect()
    }
}

impl RunnerMetrics {
    /// A metric of a runner has these values now. One that would make the page invalid is ignored.
    pub(crate) fn report(&self, runner: RunnerId, replica: usize, family: MetricFamily) {
        if !is_valid(&family) {
            tracing::debug!(%runner, name = ?family.name, "ignored a metric that is not valid");
            return;
        }
        let mut table = self.lock();
        let ReplicaMetrics { runners, .. } = table.replicas.entry(replica).or_default();
        let families = runners.entry(runner).or_default();
        if families.len() < MAX_FAMILIES || families.contains_key(&family.name) {
            let name = family.name.clone();
            families.insert(name.clone(), Arc::new(family));
            table.changed(replica, name);
        }
    }

    /// A runner has ended: what it has counted stays, and what it has measured does not.
    pub(crate) fn end(&self, runner: RunnerId, replica: usize) {
        let mut table = self.lock();
        let Some(ReplicaMetrics { ended, runners }) = table.replicas.get_mut(&replica) else { return };
        let families = runners.remove(&runner).unwrap_or_default();
        let names: Vec<_> = families.keys().cloned().collect();
        for (name, family) in families {
            if family.kind != MetricKind::Gauge {
                let parts: Vec<_> = ended.get(&name).into_iter().chain([&family]).cloned().collect();
                let all = merged(&parts).unwrap_or(family);
                ended.insert(name, all);
            }
        }
        for name in names {
            table.changed(replica, name);
        }
    }

    /// The metrics of all replicas. Each series has the label `replica`.
    pub(crate) fn families(&self) -> Vec<MetricFamily> {
        let mut families = BTreeMap::<String, MetricFamily>::new();
        for metric in self.metrics() {
            let Some(family) = metric.merged() else { continue };
            let all = families
                .entry(metric.name)
                .or_insert_with(|| MetricFamily::new(family.kind, &*family.name, &*family.help));
            // Two programs may disagree about a metric during an update. The lower replica wins.
            if all.kind == family.kind {
                all.series.extend(Arc::unwrap_or_clone(family).series.into_iter().map(|mut series| {
                    series.labels.push(("replica".to_owned(), metric.replica.to_string()));
                    series
                }));
            }
        }
        families.into_values().collect()
    }

    fn metrics(&self) -> Vec<ReplicaMetric> {
        self.lock().metrics()
    }

    /// The texts of each metric, by the index of the replica. Each series has the labels `application` and `replica`.
    #[cfg(feature = "metrics")]
    pub(crate) fn texts(&self, application: &str) -> Vec<Vec<Arc<MetricText>>> {
        let mut table = self.lock();
        if table.texts.is_none() {
            let mut texts = RunnerTexts::new(application);
            table.metrics().iter().for_each(|metric| texts.write(metric));
            table.texts = Some(texts);
        }
        table.texts.as_ref().map(RunnerTexts::all).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, MetricTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetricTable {
    fn metrics(&self) -> Vec<ReplicaMetric> {
        let replicas = self.replicas.iter();
        replicas
            .flat_map(|(replica, metrics)| {
                metrics.names().into_iter().map(|name| metrics.metric(*replica, name.to_owned()))
            })
            .collect()
    }

    /// A metric of a replica has changed.
    #[cfg(feature = "metrics")]
    fn changed(&mut self, replica: usize, name: String) {
        if let (Some(texts), Some(metrics)) = (&mut self.texts, self.replicas.get(&replica)) {
            texts.write(&metrics.metric(replica, name));
        }
    }

    #[cfg(not(feature = "metrics"))]
    #[expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "only a page has texts")]
    fn changed(&mut self, _: usize, _: String) {}
}

/// Whether a metric of a runner can stand on the page beside those of the host and of other runners.
fn is_valid(family: &MetricFamily) -> bool {
    let is_of_host = family.name.starts_with("fal_host_")
        || family.name.starts_with("fal_app_") && family.name != "fal_app_info";
    is_metric_name(&family.name)
        && !is_of_host
        && family.series.len() <= MAX_SERIES
        && family.series.iter().all(|series| is_valid_series(family.kind, series))
        && family.series.iter().map(|series| &series.labels).collect::<BTreeSet<_>>().len()
            == family.series.len()
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

    use fal_health::metrics::Bucket;

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
        metrics.end(old, 0);
        metrics.report(new, 0, counter(1));
        metrics.report(new, 0, histogram(&[0.25]));
        assert_eq!(values("tokens"), [(labels("0"), 6_u64.into()), (labels("1"), 2_u64.into())]);
        let [all] = &shown(&metrics, "wait_seconds")[..] else { panic!("one series") };
        assert_eq!(
            all.value,
            SeriesValue::Histogram { sum: 3.75, buckets: vec![Bucket(Some(1.0), 2), Bucket(None, 1)] }
        );
        metrics.end(new, 0);
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
            new("a").with([("b", "1")], 1.0).with([("b", "1")], 2.0),
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
        for number in 0..1_200_u64 {
            let (id, name) = (RunnerId::new(number), format!("a{number}"));
            metrics.report(id, 0, counter(1));
            metrics.report(
                id,
                0,
                MetricFamily::new(MetricKind::Counter, "b", "").with([("c", &*name)], 1_u64),
            );
            metrics.end(id, 0);
            metrics.report(
                RunnerId::new(9_999),
                0,
                MetricFamily::new(MetricKind::Gauge, name, "").with([], 1_u64),
            );
        }
        assert_eq!(shown(&metrics, "tokens")[0].value, 1_200_u64.into());
        assert_eq!(shown(&metrics, "b").len(), MAX_SERIES);
        assert_eq!(metrics.families().len(), MAX_FAMILIES + 2);
    }
}
