//! The state of a host at one moment, as its handle returns it and its admin interface shows it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fal_health::protocol::Progress;
use fal_health::{CheckRecord, Monitor, Outcome, Time, Trigger, Verdict};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::clock::Clock;
use crate::fleet::{Exit, Fleet, Reason, RestartStatus, Runner, RunnerRecord, RunnerState};
use crate::id::RunnerId;
use crate::proxy::Balancer;

/// The runners of a host, and the last ones that ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Whether any runner takes requests, and the host does not stop.
    #[serde(skip)]
    pub ready: bool,
    /// Whether the host is stopping ([S41](fal_health::semantics#s41)), or has announced that
    /// ([S66a](fal_health::semantics#s66a)).
    #[serde(skip)]
    pub stopping: bool,
    /// The runners that have not ended, by id.
    pub runners: Vec<RunnerInfo>,
    /// How far the last rolling restart is ([S52](fal_health::semantics#s52)). `None` before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartStatus>,
    /// The last runners that ended, oldest first, at most [`MAX_RECORDS`](crate::MAX_RECORDS)
    /// ([S36](fal_health::semantics#s36)).
    pub ended: Vec<EndedInfo>,
}

/// A runner that has not ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RunnerInfo {
    /// The runner.
    pub id: RunnerId,
    /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)).
    pub index: usize,
    /// Its process. `None` before it has started, or if it has none of its own.
    pub pid: Option<u32>,
    /// Its state.
    pub state: RunnerState,
    /// The time since the start of its process.
    #[serde(rename = "age_seconds", serialize_with = "seconds")]
    pub age: Duration,
    /// How many requests are in flight. A permit that waits for a manual check
    /// ([S30](fal_health::semantics#s30)) does not count.
    pub in_flight: u32,
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
    /// Whether it is ready and waits for its first passed check ([S44b](fal_health::semantics#s44b)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub awaits_first_pass: bool,
    /// Whether it is the new runner of a rolling restart and has yet to be healthy for the minimum healthy time
    /// ([S52a](fal_health::semantics#s52a)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub awaits_min_healthy: bool,
    /// Its health. `None` in an app without a health check, and before its process has started.
    pub health: Option<HealthInfo>,
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

/// A finished check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckInfo {
    /// Why the host made it.
    pub trigger: Trigger,
    /// What it showed. JSON has the fields `outcome`, `reason`, and `status` where the runner answered with one.
    pub outcome: Outcome,
    /// How long it took. JSON has it as `duration_ms`.
    pub duration: Duration,
    /// How long ago it ended; for an ended runner, how long before its end. JSON has it as `ago_seconds`.
    pub ago: Duration,
}

/// A runner that has ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EndedInfo {
    /// The runner.
    pub id: RunnerId,
    /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)).
    pub index: usize,
    /// Its process. `None` if no process could be started, or if it had none of its own.
    pub pid: Option<u32>,
    /// Why it ended.
    pub reason: Reason,
    /// More about the reason, such as the error of its setup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How its process ended, in JSON `{"status": 3}`, `{"signal": 9}` or `"unknown"`.
    pub exit: Option<Exit>,
    /// When its process started. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub started_at: SystemTime,
    /// When it had ended. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub ended_at: SystemTime,
    /// Its last checks, oldest first.
    pub checks: Vec<CheckInfo>,
}

impl Snapshot {
    pub(crate) fn of(fleet: &Fleet, clock: &Clock, balancer: &Balancer) -> Self {
        let now = clock.now();
        let stopping = fleet.is_stopping() || balancer.closes_connections();
        Self {
            ready: fleet.is_ready() && !stopping,
            stopping,
            runners: fleet.runners().map(|runner| RunnerInfo::of(runner, balancer, now)).collect(),
            restart: fleet.restart_status(),
            ended: fleet.records().map(|record| EndedInfo::of(record, clock)).collect(),
        }
    }
}

impl RunnerInfo {
    fn of(runner: &Runner, balancer: &Balancer, now: Time) -> Self {
        let in_flight = balancer.in_flight(runner.id());
        Self {
            id: runner.id(),
            index: runner.index().get(),
            pid: runner.pid(),
            state: runner.state(in_flight),
            age: now.since(runner.started()),
            in_flight,
            served: balancer.served(runner.id()),
            memory: runner.memory(),
            replacement_due: runner.due(),
            progress: runner.progress().cloned(),
            awaits_first_pass: runner.awaits_first_pass(),
            awaits_min_healthy: runner.awaits_min_healthy(),
            health: runner.monitor().map(|monitor| HealthInfo {
                wedged: balancer.is_wedged(runner.id()),
                stalled: runner.stalled(),
                oldest_request: runner.oldest_request(),
                ..HealthInfo::of(monitor, now)
            }),
        }
    }
}

impl EndedInfo {
    fn of(record: &RunnerRecord, clock: &Clock) -> Self {
        Self {
            id: record.id,
            index: record.index,
            pid: record.pid,
            reason: record.reason,
            detail: record.detail.clone(),
            exit: record.exit,
            started_at: clock.wall(record.started),
            ended_at: clock.wall(record.ended),
            checks: record.checks.iter().map(|check| CheckInfo::of(check, record.ended)).collect(),
        }
    }
}

impl HealthInfo {
    fn of(monitor: &Monitor, now: Time) -> Self {
        Self {
            verdict: monitor.verdict(),
            streak: monitor.streak(),
            failure_threshold: monitor.config().threshold(),
            effective_start_period: monitor.effective_start_period(),
            wedged: false,
            stalled: None,
            oldest_request: None,
            last_check: monitor.history().last().map(|record| CheckInfo::of(record, now)),
        }
    }
}

impl CheckInfo {
    fn of(record: &CheckRecord, now: Time) -> Self {
        Self {
            trigger: record.trigger,
            outcome: record.outcome,
            duration: record.duration,
            ago: now.since(record.started + record.duration),
        }
    }
}

impl Serialize for CheckInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (reason, status) = (self.outcome.reason(), self.outcome.status());
        let fields = 4 + usize::from(reason.is_some()) + usize::from(status.is_some());
        let mut check = serializer.serialize_struct("CheckInfo", fields)?;
        check.serialize_field("trigger", self.trigger.name())?;
        check.serialize_field("outcome", self.outcome.name())?;
        if let Some(reason) = reason {
            check.serialize_field("reason", reason)?;
        }
        if let Some(status) = status {
            check.serialize_field("status", &status)?;
        }
        check
            .serialize_field("duration_ms", &rounded_to_thousandths(self.duration.as_secs_f64() * 1_000.0))?;
        check.serialize_field("ago_seconds", &rounded_to_thousandths(self.ago.as_secs_f64()))?;
        check.end()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.name())
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded_to_thousandths(duration.as_secs_f64()))
}

#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
fn optional_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    seconds(&duration.unwrap_or_default(), serializer)
}

fn unix_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    seconds(&time.duration_since(UNIX_EPOCH).unwrap_or_default(), serializer)
}

fn rounded_to_thousandths(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use fal_health::{Failure, Inconclusive};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_is_serialized_as_the_admin_interface_documents_it() {
        let check = |outcome| CheckInfo {
            trigger: Trigger::Manual,
            outcome,
            duration: Duration::from_micros(1_864),
            ago: Duration::from_micros(2_016_400),
        };
        let times = json!({ "trigger": "manual", "duration_ms": 1.864, "ago_seconds": 2.016 });
        for (outcome, fields) in [
            (Outcome::Pass, json!({ "outcome": "pass" })),
            (
                Outcome::Failure(Failure::Status(500)),
                json!({ "outcome": "failure", "reason": "status", "status": 500 }),
            ),
            (Outcome::Failure(Failure::Timeout), json!({ "outcome": "failure", "reason": "timeout" })),
            (
                Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)),
                json!({ "outcome": "inconclusive", "reason": "host_lag" }),
            ),
        ] {
            let mut expected = times.clone();
            expected.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert_eq!(serde_json::to_value(check(outcome)).unwrap(), expected);
        }
    }
}
