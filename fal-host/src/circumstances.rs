//! What the explanation of a runner needs to know beside the runner.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fal_health::{CheckRecord, Monitor, Outcome};

use crate::evidence::OutputLine;
use crate::fleet::{Reason, RestartStatus, RunnerRecord, RunnerState};
use crate::id::RunnerId;
use crate::log_loss::{LOG_LOSS, LostLines};
use crate::snapshot_parts::Sources;

/// The settings and the state of the host that an explanation names.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) now: SystemTime,
    pub(crate) has_periodic_checks: bool,
    /// What checks call: the method and the path.
    pub(crate) health_call: Option<String>,
    pub(crate) check_interval: Duration,
    pub(crate) start_check_interval: Duration,
    pub(crate) startup_limit: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) grace_period: Duration,
    /// Whether any runner has ever passed a check.
    pub(crate) has_passed: bool,
    /// The newest runner of each replica, by the index of the replica.
    pub(crate) newest: BTreeMap<usize, (RunnerId, RunnerState)>,
    /// For how long the host has been paused (S87c).
    pub(crate) paused_for: Option<Duration>,
    /// How many requests wait for a permit, and how long one has waited at most.
    pub(crate) queued: usize,
    pub(crate) queued_for: Option<Duration>,
    /// How many permits each runner has.
    pub(crate) max_multiplexing: u32,
    /// How many replacements are under way, and how many may be.
    pub(crate) replacing: usize,
    pub(crate) max_replacing: Option<usize>,
    /// Whether a request without a response is overdue after some time (S53a).
    pub(crate) bounds_requests: bool,
    /// How long a client may transfer too little (S43a).
    pub(crate) client_timeout: Duration,
    /// The last line that the runner printed.
    pub(crate) last_line: Option<OutputLine>,
    /// Log lines that are missing.
    pub(crate) lost_log_lines: Option<LostLines>,
    /// How far the last rolling restart is.
    pub(crate) restart: Option<RestartStatus>,
    /// The last runner of each replica that ended, by the index of the replica.
    pub(crate) last_ended: BTreeMap<usize, LastEnded>,
    /// What the last check of each replica found, if it failed, by the index of the replica.
    pub(crate) failures: BTreeMap<usize, FailedCheck>,
}

/// How the last runner of a replica ended.
#[derive(Clone, Debug)]
pub(crate) struct LastEnded {
    pub(crate) id: RunnerId,
    pub(crate) reason: Reason,
    pub(crate) detail: Option<String>,
    /// Its last check, if it failed.
    pub(crate) failure: Option<FailedCheck>,
}

/// What a failed check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedCheck {
    pub(crate) outcome: Outcome,
    pub(crate) detail: Option<Arc<str>>,
}

impl Circumstances {
    pub(crate) fn of(sources: Sources<'_>, now: SystemTime) -> Self {
        let Sources { fleet, balancer, evidence, probe_target, .. } = sources;
        let settings = fleet.settings();
        let failure = |id, check: &CheckRecord| {
            let detail = || evidence.of(id).and_then(|kept| kept.detail(check.id));
            let outcome = check.outcome;
            matches!(outcome, Outcome::Failure(_)).then(|| FailedCheck { outcome, detail: detail() })
        };
        let (mut last_ended, mut last_checks, mut newest) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for record in fleet.records() {
            let RunnerRecord { index, id, reason, detail, checks, .. } = record.as_ref();
            let found = checks.last().map(|check| failure(*id, check));
            let last = LastEnded {
                id: *id,
                reason: *reason,
                detail: detail.clone(),
                failure: found.clone().flatten(),
            };
            last_ended.insert(*index, last);
            last_checks.extend(found.map(|found| (*index, found)));
        }
        for observed in fleet.observe() {
            let runner = &observed.runner;
            newest.insert(runner.index().get(), (runner.id(), runner.state()));
            let check = runner.monitor().and_then(|monitor| Monitor::history(monitor).next_back());
            last_checks.extend(check.map(|check| (runner.index().get(), failure(runner.id(), check))));
        }
        // A replica that was scaled away has no runner.
        let failures = last_checks
            .into_iter()
            .filter_map(|(index, found)| Some((index, found?)))
            .filter(|(index, _)| newest.contains_key(index))
            .collect();
        Self {
            now,
            has_periodic_checks: settings.has_periodic_checks(),
            health_call: probe_target.map(ToString::to_string),
            check_interval: settings.check_interval,
            start_check_interval: settings.start_check_interval,
            startup_limit: settings.startup_limit(),
            drain_timeout: settings.drain_timeout,
            grace_period: settings.grace_period,
            has_passed: fleet.has_passed(),
            newest,
            paused_for: balancer.paused_since().map(|since| since.elapsed()),
            queued: balancer.waiting(),
            queued_for: balancer.longest_wait(),
            max_multiplexing: balancer.limits().max_multiplexing,
            replacing: fleet.vacated(),
            max_replacing: settings.max_replacing.of(settings.runners).map(Into::into),
            bounds_requests: balancer.bounds_requests(),
            client_timeout: balancer.limits().client_timeout,
            last_line: None,
            lost_log_lines: LOG_LOSS.untold(),
            restart: fleet.restart_status(),
            last_ended,
            failures,
        }
    }

    /// How many other replicas have the same finding as this one.
    pub(crate) fn sharing(&self, index: usize, failure: &FailedCheck) -> usize {
        self.failures.iter().filter(|(other, found)| **other != index && *found == failure).count()
    }
}

#[cfg(test)]
impl Default for Circumstances {
    fn default() -> Self {
        Self {
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
            has_periodic_checks: true,
            health_call: Some("POST /health".to_owned()),
            check_interval: Duration::from_secs(15),
            start_check_interval: Duration::from_secs(1),
            startup_limit: Duration::from_secs(600),
            drain_timeout: Duration::from_secs(30),
            grace_period: Duration::from_secs(5),
            has_passed: true,
            newest: BTreeMap::new(),
            paused_for: None,
            queued: 0,
            queued_for: None,
            max_multiplexing: 2,
            replacing: 1,
            max_replacing: Some(1),
            bounds_requests: true,
            client_timeout: Duration::from_secs(60),
            last_line: None,
            lost_log_lines: None,
            restart: None,
            last_ended: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }
}
