//! The text of each metric of each replica, as it stands on the page of metrics (S82c).

use std::collections::BTreeMap;
use std::sync::Arc;

use fal_health::metrics::{MetricText, shared_labels};

use super::merging::ReplicaMetric;

/// The texts of the metrics of all replicas. Of many runners they are most of the page, so each is written when its values
/// arrive, and a page only appends them.
#[derive(Debug)]
pub(super) struct RunnerTexts {
    application: String,
    /// By the name of the metric, then by the index of the replica.
    by_name: BTreeMap<String, BTreeMap<usize, Arc<MetricText>>>,
}

impl RunnerTexts {
    /// Without a text. Each series will have the label `application`.
    pub(super) fn new(application: &str) -> Self {
        Self { application: application.to_owned(), by_name: BTreeMap::new() }
    }

    /// Writes a metric of a replica whose values have changed.
    pub(super) fn write(&mut self, metric: &ReplicaMetric) {
        let ReplicaMetric { replica, name, .. } = metric;
        let Some(family) = metric.merged() else {
            if let Some(replicas) = self.by_name.get_mut(name) {
                replicas.remove(replica);
            }
            return;
        };
        let labels = shared_labels(&[("application", &self.application), ("replica", &replica.to_string())]);
        let text = Arc::new(MetricText::new(family, &labels));
        match self.by_name.get_mut(name) {
            Some(replicas) => _ = replicas.insert(*replica, text),
            None => _ = self.by_name.insert(name.clone(), BTreeMap::from([(*replica, text)])),
        }
    }

    /// The texts of each metric, by the index of the replica.
    pub(super) fn all(&self) -> Vec<Vec<Arc<MetricText>>> {
        self.by_name.values().map(|replicas| replicas.values().cloned().collect()).collect()
    }
}
