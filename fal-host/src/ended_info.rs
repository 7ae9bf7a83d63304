//! A runner that has ended, as the handle of its host returns it and the admin interface shows it.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::check_info::CheckInfo;
use crate::clock::Clock;
use crate::evidence::{Evidence, OomEvidence};
use crate::fleet::{Exit, Reason, RunnerRecord};
use crate::id::RunnerId;
use crate::json::{optional_seconds, unix_time};
use crate::request_info::RequestInfo;

/// A runner that has ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EndedInfo {
    /// The runner.
    pub id: RunnerId,
    /// The index of its replica, from 0 ([S47](fal_health::semantics#s47)). JSON has it as `replica`.
    #[serde(rename = "replica")]
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
    /// Whether the kernel has written a core dump of its process.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub core_dumped: bool,
    /// Present if the kernel has probably killed it because memory ran out: how the host knows it
    /// ([S85c](fal_health::semantics#s85c)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_killed: Option<OomEvidence>,
    /// The highest resident memory of its process, or of one that it waited for, in bytes. A process begins with what
    /// the host used when it started it.
    #[serde(rename = "peak_memory_bytes", skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// The processor time of its process and of those that it waited for. JSON has seconds.
    #[serde(
        rename = "cpu_seconds",
        serialize_with = "optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub cpu_time: Option<Duration>,
    /// The last requests that were lost with it, at most 16, also those that were sent again
    /// ([S59](fal_health::semantics#s59)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_requests: Vec<RequestInfo>,
    /// When its process started. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub started_at: SystemTime,
    /// When it had ended. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub ended_at: SystemTime,
    /// Its last checks, oldest first.
    pub checks: Vec<CheckInfo>,
}

impl EndedInfo {
    pub(crate) fn of(record: &RunnerRecord, clock: &Clock, kept: Option<&Evidence>) -> Self {
        let end = kept.map(Evidence::end).unwrap_or_default();
        let mut checks: Vec<_> =
            record.checks.iter().map(|check| CheckInfo::of(check, record.ended)).collect();
        if let (Some(shown), Some(last)) = (checks.last_mut(), record.checks.last()) {
            *shown = CheckInfo::with_detail(last, record.ended, kept);
        }
        Self {
            id: record.id,
            index: record.index,
            pid: record.pid,
            reason: record.reason,
            detail: record.detail.clone(),
            exit: record.exit,
            core_dumped: end.core_dumped,
            oom_killed: end.oom_killed,
            peak_memory: end.peak_memory,
            cpu_time: end.cpu_time,
            lost_requests: kept.map(Evidence::lost_requests).unwrap_or_default(),
            started_at: clock.wall(record.started),
            ended_at: clock.wall(record.ended),
            checks,
        }
    }
}
