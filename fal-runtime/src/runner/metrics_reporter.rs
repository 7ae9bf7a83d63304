//! Sends the metrics of a runner to its host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fal_health::metrics::MetricFamily;
use fal_health::protocol::{MAX_LINE_LEN, Message};
use tokio::time::{MissedTickBehavior, interval};

use super::control::Control;
use crate::metrics;

/// How often metrics that have changed are sent.
const INTERVAL: Duration = Duration::from_secs(1);

/// Sends the metrics that have changed.
#[derive(Debug)]
pub(super) struct MetricsReporter {
    control: Arc<Control>,
    sent: BTreeMap<String, MetricFamily>,
    /// The metrics that do not fit into a message, about which the log says so once.
    too_large: BTreeSet<String>,
}

impl MetricsReporter {
    pub(super) fn new(control: &Arc<Control>) -> Self {
        Self { control: Arc::clone(control), sent: BTreeMap::new(), too_large: BTreeSet::new() }
    }

    /// Sends at intervals until the future is dropped.
    pub(super) async fn run(mut self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.send_changed();
        }
    }

    /// Sends the metrics that have changed. While the host does not read, they stay unsent.
    pub(super) fn send_changed(&mut self) {
        for family in metrics::families() {
            if self.sent.get(&family.name) == Some(&family) {
                continue;
            }
            let line = Message::Metrics(family.clone()).encode();
            if line.len() > MAX_LINE_LEN {
                if self.too_large.insert(family.name.clone()) {
                    tracing::error!(metric = family.name, "a metric is not shown: it has too many series");
                }
            } else if self.control.offer(&line) {
                self.sent.insert(family.name.clone(), family);
            }
        }
    }
}
