//! Counts what happens to runners, from the events that the host publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fal_health::metrics::{Histogram, MetricFamily, MetricKind, SECONDS};
use fal_health::{CheckRecord, Outcome, Time, Trigger};

use super::runners::RunnerMetrics;
use crate::fleet::EventKind;
use crate::id::RunnerId;

/// The bounds of the time in which a thread of the host did not run, in seconds.
const LAG_SECONDS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What is counted of runners and their checks.
#[derive(Debug)]
pub(crate) struct FleetMetrics {
    starts: u64,
    /// By the name of the reason.
    ends: BTreeMap<&'static str, u64>,
    deferred: u64,
    stalls: u64,
    startup: Histogram,
    replacement: Histogram,
    checks: BTreeMap<(&'static str, &'static str), Histogram>,
    check_failures: BTreeMap<&'static str, u64>,
    lag: Histogram,
    of_runners: Arc<RunnerMetrics>,
    /// The runners that have started and have not ended.
    runners: BTreeMap<RunnerId, StartedRunner>,
    /// How many runners of each replica take requests.
    serving: BTreeMap<usize, usize>,
    /// Since when each replica, by its index, has had no runner that takes requests.
    gaps: BTreeMap<usize, Time>,
}

#[derive(Debug)]
struct StartedRunner {
    replica: usize,
    takes_requests: bool,
    /// It was ready before it took requests.
    was_spare: bool,
}

impl FleetMetrics {
    pub(crate) fn new() -> Self {
        let triggers = [Trigger::Periodic, Trigger::Manual].map(Trigger::name);
        let checks = triggers.into_iter().flat_map(|trigger| {
            ["pass", "failure", "inconclusive"].map(|outcome| ((trigger, outcome), Histogram::new(SECONDS)))
        });
        Self {
            starts: 0,
            ends: BTreeMap::new(),
            deferred: 0,
            stalls: 0,
            startup: Histogram::new(SECONDS),
            replacement: Histogram::new(SECONDS),
            checks: checks.collect(),
            check_failures: BTreeMap::new(),
            lag: Histogram::new(LAG_SECONDS),
            of_runners: Arc::default(),
            runners: BTreeMap::new(),
            serving: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// Where runners report what they count.
    pub(crate) const fn of_runners(&self) -> &Arc<RunnerMetrics> {
        &self.of_runners
    }

    /// Counts an event.
    pub(crate) fn count(&mut self, now: Time, runner: RunnerId, kind: &EventKind) {
        match kind {
            EventKind::Started { index, .. } => {
                self.starts += 1;
                self.runners.insert(
                    runner,
                    StartedRunner { replica: *index, takes_requests: false, was_spare: false },
                );
            }
            EventKind::StandsBy { after } => {
                self.startup.observe_duration(*after);
                if let Some(runner) = self.runners.get_mut(&runner) {
                    runner.was_spare = true;
                }
            }
            EventKind::Promoted { replaces } => self.gap_ends(now, *replaces),
            EventKind::Ready { after } => {
                if self.runners.get(&runner).is_none_or(|runner| !runner.was_spare) {
                    self.startup.observe_duration(*after);
                }
                self.takes_requests(now, runner);
            }
            EventKind::Checked(record) => self.checked(record),
            EventKind::Stalled { .. } => self.stalls += 1,
            EventKind::ReplacementDeferred { .. } => self.deferred += 1,
            EventKind::Draining { .. } | EventKind::Terminating { .. } => self.leaves(now, runner),
            EventKind::Terminated(record) => {
                *self.ends.entry(record.reason.name()).or_default() += 1;
                self.leaves(now, runner);
                if let Some(StartedRunner { replica, .. }) = self.runners.remove(&runner) {
                    self.of_runners.end(runner, replica);
                }
            }
            _ => {}
        }
    }

    /// The control thread has woken up this much too late.
    pub(crate) fn lagged(&self, late: Duration) {
        self.lag.observe_duration(late);
    }

    fn checked(&mut self, record: &CheckRecord) {
        let labels = (record.trigger.name(), record.outcome.name());
        if let Some(checks) = self.checks.get(&labels) {
            checks.observe_duration(record.duration);
        }
        if let Outcome::Failure(failure) = record.outcome {
            *self.check_failures.entry(failure.name()).or_default() += 1;
        }
    }

    fn takes_requests(&mut self, now: Time, runner: RunnerId) {
        let Some(runner) = self.runners.get_mut(&runner) else { return };
        runner.takes_requests = true;
        let replica = runner.replica;
        *self.serving.entry(replica).or_default() += 1;
        self.gap_ends(now, replica);
    }

    fn gap_ends(&mut self, now: Time, replica: usize) {
        if let Some(since) = self.gaps.remove(&replica) {
            self.replacement.observe_duration(now.since(since));
        }
    }

    fn leaves(&mut self, now: Time, runner: RunnerId) {
        let Some(runner) = self.runners.get_mut(&runner) else { return };
        if !std::mem::take(&mut runner.takes_requests) {
            return;
        }
        let replica = runner.replica;
        let serving = self.serving.entry(replica).or_default();
        *serving = serving.saturating_sub(1);
        if *serving == 0 {
            self.serving.remove(&replica);
            self.gaps.entry(replica).or_insert(now);
        }
    }

    /// Everything that was counted so far.
    pub(crate) fn families(&self) -> Vec<MetricFamily> {
        use MetricKind::{Counter, Histogram};
        let new = MetricFamily::new;
        let mut ends = new(Counter, "fal_app_runner_ends", "Runners that have ended, by the reason.");
        self.ends.iter().for_each(|(reason, count)| ends.push([("reason", *reason)], *count));
        let mut checks = new(
            Histogram,
            "fal_app_check_duration_seconds",
            "Duration of health checks, by trigger and outcome.",
        );
        for ((trigger, outcome), durations) in &self.checks {
            checks.push([("trigger", *trigger), ("outcome", *outcome)], durations.value());
        }
        let mut failures = new(Counter, "fal_app_check_failures", "Failed health checks, by the reason.");
        self.check_failures.iter().for_each(|(reason, count)| failures.push([("reason", *reason)], *count));
        vec![
            new(Counter, "fal_app_runner_starts", "Runners that were started.").with([], self.starts),
            ends,
            new(
                Histogram,
                "fal_app_startup_seconds",
                "Time from the start of a runner's process until it takes requests.",
            )
            .with([], self.startup.value()),
            new(
                Histogram,
                "fal_app_replacement_seconds",
                "Time in which a replica has had no runner that takes requests, until the successor did.",
            )
            .with([], self.replacement.value()),
            new(
                Counter,
                "fal_app_replacements_deferred",
                "Replacements that were deferred because enough others were under way.",
            )
            .with([], self.deferred),
            new(Counter, "fal_app_stalls", "Stalls of the request runtime of a runner.")
                .with([], self.stalls),
            checks,
            failures,
            new(Histogram, "fal_host_lag_seconds", "How late the timers of the host's control thread were.")
                .with([], self.lag.value()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn started(index: usize) -> EventKind {
        EventKind::Started { index, pid: None, effective_start_period: None }
    }

    fn ready() -> EventKind {
        EventKind::Ready { after: Duration::from_secs(2) }
    }

    fn draining() -> EventKind {
        EventKind::Draining { reason: crate::Reason::Unhealthy, timeout: Duration::ZERO }
    }

    #[test]
    fn a_replacement_takes_until_the_successor_takes_requests_s82a() {
        let mut metrics = FleetMetrics::new();
        let [first, other, successor] = [1, 2, 3].map(RunnerId::new);
        for (now, runner, kind) in [
            (0, first, started(0)),
            (0, other, started(1)),
            (2, first, ready()),
            (2, other, ready()),
            (10, first, draining()),
            (10, successor, started(0)),
            (17, successor, ready()),
        ] {
            metrics.count(at(now), runner, &kind);
        }
        assert_eq!((metrics.starts, metrics.startup.count(), metrics.replacement.count()), (3, 3, 1));
        let expected = Histogram::new(SECONDS);
        expected.observe(7.0);
        assert_eq!(metrics.replacement.value(), expected.value());
    }

    #[test]
    fn a_replica_that_always_has_a_runner_has_no_gap_s82a() {
        let mut metrics = FleetMetrics::new();
        let [old, new] = [1, 2].map(RunnerId::new);
        for (runner, kind) in
            [(old, started(0)), (old, ready()), (new, started(0)), (new, ready()), (old, draining())]
        {
            metrics.count(at(1), runner, &kind);
        }
        assert!(metrics.gaps.is_empty() && metrics.replacement.count() == 0);
    }
}
