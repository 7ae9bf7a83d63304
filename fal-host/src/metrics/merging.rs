//! Adds up what the runners of a replica have counted.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use fal_health::metrics::{Bucket, MetricFamily, MetricKind, Series, SeriesValue};

/// How many series of one metric are kept of a replica, over all of its runners. Further ones are ignored.
pub(super) const MAX_SERIES: usize = 1024;

/// One metric of a replica: of its runners that have ended, and of each of its other runners, the newest last.
#[derive(Debug)]
pub(super) struct ReplicaMetric {
    pub(super) replica: usize,
    pub(super) name: String,
    pub(super) parts: Vec<Arc<MetricFamily>>,
}

impl ReplicaMetric {
    /// The metric of the replica. `None` if there is none any more.
    pub(super) fn merged(&self) -> Option<Arc<MetricFamily>> {
        merged(&self.parts)
    }
}

/// One metric of several runners. A gauge is that of the last one. `None` if there is no runner.
pub(super) fn merged(parts: &[Arc<MetricFamily>]) -> Option<Arc<MetricFamily>> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return Some(Arc::clone(first));
    }
    let kind = first.kind;
    let mut values = BTreeMap::<_, SeriesValue>::new();
    for Series { labels, value, .. } in
        parts.iter().filter(|part| part.kind == kind).flat_map(|part| &part.series)
    {
        let labels: Vec<_> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let is_full = values.len() >= MAX_SERIES;
        match values.entry(labels) {
            Entry::Occupied(mut same) if kind == MetricKind::Gauge => _ = same.insert(value.clone()),
            Entry::Occupied(mut same) => *same.get_mut() = sum(same.get(), value),
            Entry::Vacant(_) if is_full => {}
            Entry::Vacant(new) => _ = new.insert(value.clone()),
        }
    }
    let mut all = MetricFamily::new(kind, &*first.name, &*first.help);
    for (labels, value) in values {
        all.push(labels, value);
    }
    Some(Arc::new(all))
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
