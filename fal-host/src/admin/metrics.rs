//! The page of metrics, for Prometheus (S82).

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use fal_health::metrics::{self, END_OF_PAGE, MetricFamily, MetricText, shared_labels};

use crate::metrics::RunnerMetrics;

/// The page of metrics.
#[derive(Clone, Debug)]
pub(crate) struct MetricPage {
    application: Arc<str>,
}

impl MetricPage {
    pub(super) fn new(application: &str) -> Self {
        Self { application: application.into() }
    }

    /// All metrics of a host as OpenMetrics. Each series has the label `application`.
    pub(super) fn response(&self, of_host: Vec<MetricFamily>, of_runners: &RunnerMetrics) -> Response {
        ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], self.text(of_host, of_runners)).into_response()
    }

    fn text(&self, of_host: Vec<MetricFamily>, of_runners: &RunnerMetrics) -> String {
        let labels = shared_labels(&[("application", &self.application)]);
        let of_host: Vec<_> = of_host.into_iter().map(|family| MetricText::new(family, &labels)).collect();
        let of_runners = of_runners.texts(&self.application);
        let mut parts: Vec<&str> = of_host.iter().map(MetricText::as_str).collect();
        for replicas in &of_runners {
            let Some((first, others)) = replicas.split_first() else { continue };
            parts.push(first.as_str());
            // Two programs may disagree about a metric during an update. The lower replica wins.
            parts.extend(others.iter().filter(|text| text.kind() == first.kind()).map(|text| text.series()));
        }
        parts.push(END_OF_PAGE);
        parts.concat()
    }
}

#[cfg(test)]
mod tests {
    use fal_health::metrics::MetricKind;

    use super::*;
    use crate::id::RunnerId;

    fn counted(value: u64) -> MetricFamily {
        MetricFamily::new(MetricKind::Counter, "tokens", "Tokens.").with([], value)
    }

    #[test]
    fn the_page_shows_what_runners_report_between_two_looks_s82c() {
        let (page, runners, [old, new, other]) =
            (MetricPage::new("app"), RunnerMetrics::default(), [1, 2, 3].map(RunnerId::new));
        let of_host = || vec![MetricFamily::new(MetricKind::Gauge, "a", "Of the host.").with([], 1.0)];
        let host = "# HELP a Of the host.\n# TYPE a gauge\na{application=\"app\"} 1.0\n";
        let text = || page.text(of_host(), &runners);
        assert_eq!(text(), format!("{host}# EOF\n"));
        let series = |replica, value| {
            format!("tokens_total{{application=\"app\",replica=\"{replica}\"}} {value:.1}\n")
        };
        let described = |series: &[String]| {
            format!("{host}# HELP tokens Tokens.\n# TYPE tokens counter\n{}# EOF\n", series.concat())
        };
        runners.report(old, 0, counted(1));
        runners.report(other, 1, counted(5));
        assert_eq!(text(), described(&[series(0, 1.0), series(1, 5.0)]));
        assert_eq!(text(), described(&[series(0, 1.0), series(1, 5.0)]), "nothing has changed");
        runners.report(old, 0, counted(3));
        runners.end(old, 0);
        runners.report(new, 0, counted(4));
        assert_eq!(text(), described(&[series(0, 7.0), series(1, 5.0)]));
        // Another program under the same name.
        runners.report(
            RunnerId::new(4),
            2,
            MetricFamily::new(MetricKind::Gauge, "tokens", "?").with([], 1.0),
        );
        assert_eq!(text(), described(&[series(0, 7.0), series(1, 5.0)]));
    }

    #[test]
    fn a_gauge_leaves_the_page_with_its_runner_s82c() {
        let (page, runners) = (MetricPage::new("app"), RunnerMetrics::default());
        runners.report(
            RunnerId::new(1),
            0,
            MetricFamily::new(MetricKind::Gauge, "load", "Load.").with([], 0.5),
        );
        assert!(page.text(Vec::new(), &runners).contains("load"));
        runners.end(RunnerId::new(1), 0);
        assert_eq!(page.text(Vec::new(), &runners), "# EOF\n");
    }
}
