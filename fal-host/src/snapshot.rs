//! The state of a host at one moment, as its handle returns it and its admin interface shows it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fal_health::protocol::Progress;
use fal_health::{Monitor, Outcome, Time, Verdict};
use serde::{Serialize, Serializer};

use crate::check_info::CheckInfo;
use crate::ended_info::EndedInfo;
use crate::evidence::Evidence;
use crate::fleet::{ObservedRunner, Reason, RestartStatus, RunnerState, ScaleTarget};
use crate::id::RunnerId;
use crate::json::{optional_seconds, optional_unix_time, seconds};
use crate::latency::LatencyTotal;
use crate::log_loss::{LOG_LOSS, LostLines};
use crate::note::Note;
use crate::proxy::Balancer;
use crate::recent_losses::RecentLosses;
use crate::request_info::RequestInfo;
use crate::span_loss::{LostSpans, SPAN_LOSS};
use crate::upgrade_status::UpgradeStatus;

/// The runners of a host, and the last ones that ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Whether any runner takes requests, and the host neither stops nor is paused: what `/readyz` says
    /// ([S67b](fal_health::semantics#s67b)).
    #[serde(skip)]
    pub ready: bool,
    /// Whether the host is stopping ([S41](fal_health::semantics#s41)), or has announced that
    /// ([S66a](fal_health::semantics#s66a)).
    #[serde(skip)]
    pub stopping: bool,
    /// How many runners and spares there should be ([S76](fal_health::semantics#s76)).
    pub scale: ScaleTarget,
    /// How many requests a runner serves at a time: its permits.
    pub max_multiplexing: u32,
    /// How many requests wait for a permit.
    pub queued: usize,
    /// How long one of them has waited at most. `None` if none waits.
    #[serde(
        rename = "queued_seconds",
        serialize_with = "optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub queued_for: Option<Duration>,
    /// Why they wait.
    #[serde(skip)]
    pub(crate) queue_cause: Option<String>,
    /// How long a setup may take.
    #[serde(skip)]
    pub(crate) startup_limit: Duration,
    /// How many requests have been answered, and how long that took in total.
    pub latency: LatencyTotal,
    /// Whether requests wait because an operator has paused the host ([S87c](fal_health::semantics#s87c)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Since when. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "optional_unix_time", skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<SystemTime>,
    /// Log lines that are missing, and of which the log has no notice yet ([S117](fal_health::semantics#s117)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_log_lines: Option<LostLines>,
    /// Spans of the host that were lost, the last one in the last minute ([S114d](fal_health::semantics#s114d)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_spans: Option<LostSpans>,
    /// What stands out about the host ([S116](fal_health::semantics#s116)).
    pub notes: Vec<Note>,
    /// The runners that have not ended, by id.
    pub runners: Vec<RunnerInfo>,
    /// How far the last rolling restart is ([S52](fal_health::semantics#s52)). `None` before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartStatus>,
    /// How far the last upgrade is ([S93](fal_health::semantics#s93)). `None` before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<UpgradeStatus>,
    /// The last runners that ended, oldest first, at most [`MAX_RECORDS`](crate::MAX_RECORDS)
    /// ([S36](fal_health::semantics#s36)).
    pub ended: Vec<EndedInfo>,
}

/// A runner that has not ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the JSON")]
pub struct RunnerInfo {
    /// The runner.
    pub id: RunnerId,
    /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)). JSON has it as `replica`.
    #[serde(rename = "replica")]
    pub index: usize,
    /// Its process. `None` before it has started, or if it has none of its own.
    pub pid: Option<u32>,
    /// Its state.
    pub state: RunnerState,
    /// Whether it is a spare, which takes no requests ([S75](fal_health::semantics#s75)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spare: bool,
    /// The time since the start of its process.
    #[serde(rename = "age_seconds", serialize_with = "seconds")]
    pub age: Duration,
    /// How many requests are in flight. A permit that waits for a manual check
    /// ([S30](fal_health::semantics#s30)) does not count.
    pub in_flight: u32,
    /// Whether it takes requests, and they hold all of its permits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
    /// The request that has been in flight for the longest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_request: Option<Box<RequestInfo>>,
    /// The requests that it has lost, for a minute after the last one ([S116e](fal_health::semantics#s116e)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent_losses: Option<Box<RecentLosses>>,
    /// How many requests it has served. JSON has it as `requests`.
    #[serde(rename = "requests")]
    pub served: u64,
    /// The resident memory of its processes when it was measured last, in bytes. `None` if memory is not limited.
    #[serde(rename = "memory_bytes", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The limit that it has reached, for which it will be replaced ([S54](fal_health::semantics#s54)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement_due: Option<Reason>,
    /// How far its setup is, if the setup reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Why it ends, once that is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// More about the reason, or why it is not ready yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether it is unhealthy and its replacement waits ([S40](fal_health::semantics#s40)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
    /// How long it waits for its start, because earlier ones failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffInfo>,
    /// The runner whose start its own start waits for ([S61](fal_health::semantics#s61)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub awaits_start_of: Option<RunnerId>,
    /// Whether it is ready and waits for its first passed check ([S44b](fal_health::semantics#s44b)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub awaits_first_pass: bool,
    /// Whether it is the new runner of a rolling restart and has yet to be healthy for the minimum healthy time
    /// ([S52a](fal_health::semantics#s52a)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub awaits_min_healthy: bool,
    /// What stands out about it ([S116](fal_health::semantics#s116)). Empty in [`RunnerDetails`](crate::RunnerDetails).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Its health. `None` in an app without a health check, and before its process has started.
    pub health: Option<HealthInfo>,
    /// What is kept of it.
    #[serde(skip)]
    pub(crate) kept: Option<Arc<Evidence>>,
}

/// How long a runner waits for its start, because earlier ones failed ([S35d](fal_health::semantics#s35d)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackoffInfo {
    /// The rest of its wait.
    #[serde(rename = "remaining_seconds", serialize_with = "seconds")]
    pub remaining: Duration,
    /// Failed starts in a row.
    pub failed_starts: u32,
}

/// The health of a runner.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HealthInfo {
    /// What its checks have shown so far.
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    /// Consecutive counted failures.
    pub streak: u32,
    /// How many counted failures in a row make it unhealthy.
    pub failure_threshold: u32,
    /// The age until which the host ignores failed periodic checks ([S8](fal_health::semantics#s8)).
    #[serde(rename = "effective_start_period_seconds", serialize_with = "seconds")]
    pub effective_start_period: Duration,
    /// Whether requests that the runner does not begin to answer in time hold all of its permits
    /// ([S53a](fal_health::semantics#s53a)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wedged: bool,
    /// How long its request runtime had been stalled at its last check ([S53b](fal_health::semantics#s53b)). `None` while
    /// it runs.
    #[serde(
        rename = "stalled_seconds",
        serialize_with = "optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub stalled: Option<Duration>,
    /// How long its oldest request had been in progress at its last check, if there was one.
    #[serde(
        rename = "oldest_request_seconds",
        serialize_with = "optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub oldest_request: Option<Duration>,
    /// The last finished check.
    pub last_check: Option<CheckInfo>,
}

impl Snapshot {
    /// Adds what the balancer knows, on the thread of the caller.
    pub(crate) fn with_requests(mut self, balancer: &Balancer) -> Self {
        self.runners = self.runners.into_iter().map(|runner| runner.with_requests(balancer)).collect();
        let paused_for = balancer.paused_since().map(|since| since.elapsed());
        self.paused = paused_for.is_some();
        self.paused_since = paused_for.and_then(|time| SystemTime::now().checked_sub(time));
        self.lost_log_lines = LOG_LOSS.untold();
        self.lost_spans = SPAN_LOSS.recent(Instant::now());
        self.queued = balancer.waiting();
        self.queued_for = balancer.longest_wait();
        // The note of a pause says it.
        self.queue_cause = self.queued_for.filter(|_| !self.paused).map(|_| balancer.why_queued());
        self.max_multiplexing = balancer.limits().max_multiplexing;
        self.latency = balancer.metrics().latency();
        self
    }
}

impl RunnerInfo {
    /// What the control thread knows of a runner.
    pub(crate) fn of(observed: &ObservedRunner, now: Time, kept: Option<&Arc<Evidence>>) -> Self {
        let ObservedRunner { runner, is_spare, failed_starts } = observed;
        Self {
            id: runner.id(),
            index: runner.index().get(),
            pid: runner.pid(),
            state: runner.state(),
            spare: *is_spare,
            age: now.since(runner.started()),
            in_flight: 0,
            full: false,
            oldest_request: None,
            recent_losses: None,
            served: 0,
            memory: runner.memory(),
            replacement_due: runner.due(),
            progress: runner.progress().cloned(),
            reason: runner.reason(),
            detail: runner.detail().map(str::to_owned),
            deferred: runner.is_deferred(),
            backoff: runner
                .backoff_until()
                .map(|until| BackoffInfo { remaining: until.since(now), failed_starts: *failed_starts }),
            awaits_start_of: None,
            awaits_first_pass: runner.awaits_first_pass(),
            awaits_min_healthy: runner.awaits_min_healthy(),
            notes: Vec::new(),
            health: runner.monitor().map(|monitor| HealthInfo {
                stalled: runner.stalled(),
                oldest_request: runner.oldest_request(),
                ..HealthInfo::of(monitor, now, kept.map(AsRef::as_ref))
            }),
            kept: kept.cloned(),
        }
    }
}

impl RunnerInfo {
    /// Whether its last check failed without an effect, since the runner is younger than its start period (S9).
    pub(crate) fn has_ignored_failure(&self) -> bool {
        self.health.as_ref().is_some_and(|health| {
            let failed = |check: &CheckInfo| matches!(check.outcome, Outcome::Failure(_));
            let has_no_effect = matches!(health.verdict, Verdict::Unknown | Verdict::Healthy);
            has_no_effect
                && self.age < health.effective_start_period
                && health.last_check.as_ref().is_some_and(failed)
        })
    }

    /// Adds whether its start waits for that of this runner.
    pub(crate) fn behind(mut self, launching: Option<RunnerId>) -> Self {
        self.awaits_start_of =
            launching.filter(|other| self.state == RunnerState::Pending && *other != self.id);
        self
    }

    /// Adds what the balancer knows.
    pub(crate) fn with_requests(mut self, balancer: &Balancer) -> Self {
        self.in_flight = balancer.in_flight(self.id);
        self.full = balancer.is_full(self.id);
        self.oldest_request = balancer.oldest_request(self.id).map(Box::new);
        let now = SystemTime::now();
        self.recent_losses = balancer.recent_losses(self.id, now).map(|losses| {
            let kept = self.kept.as_ref();
            Box::new(match kept {
                Some(kept) => losses.with_output(&kept.output, now),
                None => losses,
            })
        });
        self.served = balancer.served(self.id);
        self.state = self.state.with_requests(self.in_flight);
        if let Some(health) = &mut self.health {
            health.wedged = balancer.is_wedged(self.id);
        }
        self
    }
}

impl HealthInfo {
    fn of(monitor: &Monitor, now: Time, kept: Option<&Evidence>) -> Self {
        Self {
            verdict: monitor.verdict(),
            streak: monitor.streak(),
            failure_threshold: monitor.config().threshold(),
            effective_start_period: monitor.effective_start_period(),
            wedged: false,
            stalled: None,
            oldest_request: None,
            last_check: monitor.history().last().map(|record| CheckInfo::with_detail(record, now, kept)),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.name())
}
