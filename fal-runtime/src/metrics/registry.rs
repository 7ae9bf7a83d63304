//! The metrics of this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fal_health::metrics::{MetricFamily, MetricKind, is_metric_name};

use super::cells::MetricCells;

/// How many metrics a process may have.
const MAX_METRICS: usize = 128;

static METRICS: Mutex<BTreeMap<String, Arc<MetricCells>>> = Mutex::new(BTreeMap::new());

/// A metric of user code. One that cannot be shown is an error in the log, and counts nevertheless.
pub(super) fn of_user(name: &str, help: &str, kind: MetricKind, bounds: &[f64]) -> Arc<MetricCells> {
    // Its suffix is written by the encoder.
    let name = if kind == MetricKind::Counter { name.strip_suffix("_total").unwrap_or(name) } else { name };
    let is_reserved = name.starts_with("fal_") || name.starts_with("http_");
    let problem = if !is_metric_name(name) {
        "the name is not valid: expected letters, digits and `_`"
    } else if is_reserved {
        "names that begin with `fal_` or `http_` are reserved"
    } else {
        match registered(name, help, kind, bounds) {
            Ok(metric) => return metric,
            Err(problem) => problem,
        }
    };
    tracing::error!(metric = name, "a metric is not shown: {problem}");
    Arc::new(MetricCells::new(name, help, kind, bounds))
}

/// The metric of this name, which is made if there is none yet.
pub(super) fn registered(
    name: &str,
    help: &str,
    kind: MetricKind,
    bounds: &[f64],
) -> Result<Arc<MetricCells>, &'static str> {
    let mut metrics = lock();
    match metrics.get(name) {
        Some(metric) if metric.kind == kind => Ok(Arc::clone(metric)),
        Some(_) => Err("there is one of this name and of another kind"),
        None if metrics.len() >= MAX_METRICS => Err("there are too many: at most 128 are shown"),
        None => {
            let metric = Arc::new(MetricCells::new(name, help, kind, bounds));
            metrics.insert(name.to_owned(), Arc::clone(&metric));
            Ok(metric)
        }
    }
}

/// The metrics of this process that have a series, for a program that shows them itself.
pub fn families() -> Vec<MetricFamily> {
    let metrics: Vec<_> = lock().values().cloned().collect();
    let families = metrics.iter().map(|metric| metric.snapshot());
    families.filter(|family| !family.series.is_empty()).collect()
}

fn lock() -> MutexGuard<'static, BTreeMap<String, Arc<MetricCells>>> {
    METRICS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{counter, counter_by, gauge};

    fn shown(name: &str) -> Option<MetricFamily> {
        families().into_iter().find(|family| family.name == name)
    }

    #[test]
    fn a_metric_of_one_name_is_one_metric_s82c() {
        counter("registry_hits_total", "Hits.").inc();
        counter("registry_hits", "Hits.").add(2);
        assert_eq!(shown("registry_hits").unwrap().series[0].value, 3_u64.into());
        gauge("registry_hits", "Another kind.").set(9.0);
        assert_eq!(shown("registry_hits").unwrap().kind, MetricKind::Counter);
    }

    #[test]
    fn reserved_and_invalid_names_are_not_shown_s82c() {
        for name in ["fal_app_info", "http_requests", "a b", ""] {
            counter_by(name, "", ["a"]).with(["b"]).inc();
            assert!(
                shown(name).is_none_or(|family| family.series.iter().all(|series| series.labels[0].1 != "b"))
            );
        }
    }
}
