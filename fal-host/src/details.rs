//! Everything that the host knows of one runner (S85).

use std::sync::Arc;
use std::time::SystemTime;

use fal_health::{CheckRecord, Monitor, Time};
use serde::Serialize;

use crate::check_info::CheckInfo;
use crate::circumstances::Circumstances;
use crate::clock::Clock;
use crate::ended_info::EndedInfo;
use crate::evidence::{Evidence, OutputLine, Usage, last_line};
use crate::fleet::{Step, StepKind};
use crate::id::RunnerId;
use crate::json::unix_time;
use crate::snapshot::RunnerInfo;
use crate::snapshot_parts::Sources;

/// Everything that the host knows of one runner ([S85](fal_health::semantics#s85)).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RunnerDetails {
    /// The runner, or its record if it has ended.
    #[serde(flatten)]
    pub runner: LiveOrEnded,
    /// What it went through, in order.
    pub steps: Vec<StepInfo>,
    /// The last lines that it printed, at most 8 KiB of them, oldest first.
    pub output: Vec<OutputLine>,
    /// What its process uses now. `None` if it has no process.
    #[serde(flatten)]
    pub usage: Option<Usage>,
    #[serde(skip)]
    pub(crate) circumstances: Circumstances,
}

/// A runner that has not ended, or the record of one that has.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum LiveOrEnded {
    /// It has not ended.
    Live(Box<LiveInfo>),
    /// It has ended. Its last checks have the [`detail`](CheckInfo::detail) of their failures.
    Ended(EndedInfo),
}

/// A runner that has not ended, with its checks.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LiveInfo {
    /// The runner.
    #[serde(flatten)]
    pub info: RunnerInfo,
    /// When its process started. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub started_at: SystemTime,
    /// Its last checks, oldest first, with the [`detail`](CheckInfo::detail) of their failures.
    pub checks: Vec<CheckInfo>,
}

/// A step of a runner and its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepInfo {
    /// What began. JSON has it as `step`.
    #[serde(rename = "step")]
    pub kind: StepKind,
    /// When it began. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub at: SystemTime,
}

impl RunnerDetails {
    /// Reads what the runner's process uses. Blocks for some microseconds.
    pub(crate) fn measured(mut self) -> Self {
        if let LiveOrEnded::Live(live) = &self.runner {
            self.usage = live.info.pid.map(Usage::of);
        }
        self
    }

    pub(crate) fn of(id: RunnerId, sources: Sources<'_>) -> Option<Self> {
        let Sources { fleet, clock, balancer, evidence, launching, .. } = sources;
        let (now, kept) = (clock.now(), evidence.of(id));
        let output = kept.map(|kept| kept.output.since(0).lines).unwrap_or_default();
        let circumstances = Circumstances {
            last_line: last_line(&output).cloned(),
            ..Circumstances::of(sources, clock.wall(now))
        };
        let live = fleet.observe_runner(id).map(|observed| {
            let runner = &observed.runner;
            let history = runner.monitor().into_iter().flat_map(Monitor::history);
            let live = LiveInfo {
                info: RunnerInfo::of(&observed, now, kept).behind(launching).with_requests(balancer),
                started_at: clock.wall(runner.started()),
                checks: checks(history, kept, now),
            };
            (LiveOrEnded::Live(Box::new(live)), steps(runner.steps(), clock))
        });
        let (runner, steps) = live.or_else(|| {
            let record = fleet.records().find(|record| record.id == id)?;
            let ended = EndedInfo {
                checks: checks(record.checks.iter(), kept, record.ended),
                ..EndedInfo::of(record, clock, kept.map(AsRef::as_ref))
            };
            Some((LiveOrEnded::Ended(ended), steps(&record.steps, clock)))
        })?;
        Some(Self { runner, steps, output, usage: None, circumstances })
    }

    #[cfg(test)]
    pub(crate) fn new(runner: LiveOrEnded, steps: Vec<StepInfo>) -> Self {
        let circumstances = Circumstances::default();
        Self { runner, steps, output: Vec::new(), usage: None, circumstances }
    }
}

/// Checks with what is kept of their failures.
fn checks<'a>(
    records: impl Iterator<Item = &'a CheckRecord>,
    kept: Option<&Arc<Evidence>>,
    now: Time,
) -> Vec<CheckInfo> {
    records.map(|record| CheckInfo::with_detail(record, now, kept.map(AsRef::as_ref))).collect()
}

fn steps(steps: &[Step], clock: &Clock) -> Vec<StepInfo> {
    steps.iter().map(|step| StepInfo { kind: step.kind, at: clock.wall(step.at) }).collect()
}
