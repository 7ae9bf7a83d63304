//! The host's state, as it is shown.

use std::time::Duration;

use fal_health::{CheckRecord, Inconclusive, Monitor, Outcome, Trigger, Verdict};
use serde::{Serialize, Serializer};

use crate::RunnerId;
use crate::clock::Clock;
use crate::fleet::{Exit, Fleet, Reason, Runner, RunnerRecord, RunnerState};
use crate::proxy::Balancer;

/// The runners that there are, and the last ones that ended.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Whether any runner takes requests.
    #[serde(skip)]
    pub ready: bool,
    /// Whether the host has been told to stop (S41).
    #[serde(skip)]
    pub stopping: bool,
    /// By id.
    pub runners: Vec<RunnerInfo>,
    /// Oldest first, at most [`RECORDS`](crate::RECORDS) (S36).
    pub ended: Vec<EndedInfo>,
}

/// A runner, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct RunnerInfo {
    /// Which one.
    pub id: RunnerId,
    /// Its process; none before it was started.
    pub pid: Option<u32>,
    /// What it is doing.
    pub state: RunnerState,
    /// Since the start of its process.
    #[serde(rename = "age_seconds", serialize_with = "seconds")]
    pub age: Duration,
    /// Requests that it has not finished. A slot that a manual check holds (S30) is none.
    pub in_flight: u32,
    /// How far its setup is, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressInfo>,
    /// None in an app without a health check.
    pub health: Option<HealthInfo>,
}

/// How far a setup is.
#[derive(Clone, Debug, Serialize)]
pub struct ProgressInfo {
    /// From 0 to 1.
    pub fraction: f64,
    /// In the setup's own words.
    pub message: String,
}

/// The verdict on a runner.
#[derive(Clone, Debug, Serialize)]
pub struct HealthInfo {
    /// `unknown`, `healthy`, `failing` or `unhealthy`.
    pub verdict: &'static str,
    /// Consecutive counted failures.
    pub streak: u32,
    /// How many make it unhealthy.
    pub failure_threshold: u32,
    /// Until this age failed periodic checks are ignored (S8).
    #[serde(rename = "effective_start_period_seconds", serialize_with = "seconds")]
    pub effective_start_period: Duration,
    /// The last finished check.
    pub last_check: Option<CheckInfo>,
}

/// A finished check, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct CheckInfo {
    /// `periodic` or `manual`.
    pub trigger: &'static str,
    /// `pass`, `failure` or `inconclusive`.
    pub outcome: &'static str,
    /// Of a failure: its reason's name (S18). Of an inconclusive check: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The status that was answered, where that is the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From its start until its outcome was known.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// How long ago it ended; of an ended runner: how long before its end.
    #[serde(rename = "ago_seconds", serialize_with = "seconds")]
    pub ago: Duration,
}

/// A runner that has ended, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct EndedInfo {
    /// Which one it was.
    pub id: RunnerId,
    /// Its process; none where it could not be started.
    pub pid: Option<u32>,
    /// Why it ended.
    pub reason: Reason,
    /// What is known beyond the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How its process ended: `{"status": 3}` or `{"signal": 9}`.
    pub exit: Option<Exit>,
    /// When its process was started, in seconds since the Unix epoch.
    #[serde(serialize_with = "epoch")]
    pub started_at: std::time::SystemTime,
    /// When it had ended, likewise.
    #[serde(serialize_with = "epoch")]
    pub ended_at: std::time::SystemTime,
    /// Its last checks, oldest first.
    pub checks: Vec<CheckInfo>,
}

impl Snapshot {
    pub(crate) fn of(fleet: &Fleet, clock: &Clock, balancer: &Balancer) -> Self {
        let now = clock.now();
        let runner = |runner: &Runner| {
            let in_flight = balancer.in_flight(runner.id());
            RunnerInfo {
                id: runner.id(),
                pid: runner.pid(),
                state: runner.state(in_flight),
                age: now.since(runner.started()),
                in_flight,
                progress: runner.progress().map(|progress| ProgressInfo {
                    fraction: progress.fraction,
                    message: progress.message.clone(),
                }),
                health: runner.monitor().map(|monitor| HealthInfo::of(monitor, now)),
            }
        };
        let ended = |record: &RunnerRecord| EndedInfo {
            id: record.id,
            pid: record.pid,
            reason: record.reason,
            detail: record.detail.clone(),
            exit: record.exit,
            started_at: clock.wall(record.started),
            ended_at: clock.wall(record.ended),
            checks: record.checks.iter().map(|check| CheckInfo::of(check, record.ended)).collect(),
        };
        Self {
            ready: fleet.is_ready(),
            stopping: fleet.is_stopping(),
            runners: fleet.runners().map(runner).collect(),
            ended: fleet.records().map(ended).collect(),
        }
    }
}

impl HealthInfo {
    fn of(monitor: &Monitor, now: fal_health::Time) -> Self {
        Self {
            verdict: match monitor.verdict() {
                Verdict::Unknown => "unknown",
                Verdict::Healthy => "healthy",
                Verdict::Failing { .. } => "failing",
                Verdict::Unhealthy => "unhealthy",
            },
            streak: monitor.streak(),
            failure_threshold: monitor.config().threshold(),
            effective_start_period: monitor.effective_start_period(),
            last_check: monitor.history().last().map(|record| CheckInfo::of(record, now)),
        }
    }
}

impl CheckInfo {
    fn of(record: &CheckRecord, now: fal_health::Time) -> Self {
        let (outcome, reason, status) = match record.outcome {
            Outcome::Pass => ("pass", None, None),
            Outcome::Failure(failure) => {
                let status =
                    if let fal_health::Failure::Status(status) = failure { Some(status) } else { None };
                ("failure", Some(failure.name()), status)
            }
            Outcome::Inconclusive(Inconclusive::CouldNotAsk) => ("inconclusive", Some("could_not_ask"), None),
            Outcome::Inconclusive(Inconclusive::HostLag(_)) => ("inconclusive", Some("host_lag"), None),
        };
        Self {
            trigger: match record.trigger {
                Trigger::Periodic => "periodic",
                Trigger::Manual => "manual",
            },
            outcome,
            reason,
            status,
            duration: record.duration,
            ago: now.since(record.started + record.duration),
        }
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1_000.0).round() / 1_000.0)
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0)
}

fn epoch<S: Serializer>(time: &std::time::SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    seconds(&time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default(), serializer)
}
