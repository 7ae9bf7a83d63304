//! The events that a host publishes: one for every transition, on a channel and in the log.

use std::time::{Duration, SystemTime};

use fal_health::{CheckEffect, CheckRecord};
use tokio::sync::broadcast;

use crate::amounts::rounded;
use crate::evidence::{EndEvidence, Evidence, OomEvidence};
use crate::fleet::{EventKind, Reason, RunnerRecord};
use crate::id::RunnerId;

/// How many events the channel holds. A reader that is further behind misses the oldest.
pub(crate) const CAPACITY: usize = 1024;

/// Something that happened to a runner or to the host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When it happened.
    pub at: SystemTime,
    /// The runner. `None` for an event of the host itself.
    pub runner: Option<RunnerId>,
    /// What happened.
    pub kind: EventKind,
}

/// The events of a host, from when the stream was created.
#[derive(Debug)]
pub struct EventStream {
    receiver: broadcast::Receiver<Event>,
    missed: u64,
}

impl EventStream {
    pub(crate) fn new(events: &broadcast::Sender<Event>) -> Self {
        Self { receiver: events.subscribe(), missed: 0 }
    }

    /// Waits for the next event. `None` once the host has ended. A reader that is more than 1,024 events behind misses
    /// the oldest ones.
    ///
    /// Cancel safe: dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// How many events this reader has missed so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

/// Writes an event to the log.
pub(crate) fn log(runner: RunnerId, kind: &EventKind, evidence: Option<&Evidence>) {
    match kind {
        EventKind::Started { index, pid, effective_start_period } => {
            let pid = pid.map(tracing::field::display);
            let effective_start_period =
                effective_start_period.map(format_setting).map(tracing::field::display);
            tracing::info!(%runner, replica = index, pid, effective_start_period, "SETUP: started");
        }
        EventKind::Progress(progress) => {
            tracing::info!(%runner, fraction = progress.fraction, "SETUP: {}", progress.message);
        }
        EventKind::AwaitingFirstPass { after } => {
            tracing::info!(%runner, after = ?rounded(*after), "SETUP: ready, waits for its first passed check");
        }
        EventKind::Ready { after } => {
            tracing::info!(%runner, after = ?rounded(*after), "IDLE: takes requests");
        }
        EventKind::StandsBy { after } => {
            tracing::info!(%runner, after = ?rounded(*after), "IDLE: ready as a spare");
        }
        EventKind::Promoted { replaces } => {
            tracing::info!(%runner, replaces, "a spare replaces a runner");
        }
        EventKind::Checked(record) => {
            log_check(runner, record, evidence);
        }
        EventKind::Stalled { since } => {
            tracing::warn!(%runner, since = ?rounded(*since), "requests are stalled, although checks are answered");
        }
        EventKind::ReplacementDeferred { replacing } => tracing::warn!(
            %runner,
            replacing,
            "unhealthy: replacement deferred until fewer runners are being replaced"
        ),
        EventKind::ReplacementDue { reason, detail } => {
            tracing::info!(%runner, %reason, detail, "will be replaced");
        }
        EventKind::LimitTooLow { reason, detail } => {
            tracing::warn!(%runner, %reason, "its limit is too low: {detail}");
        }
        EventKind::Draining { reason, timeout } => {
            let timeout = format_setting(*timeout);
            tracing::info!(%runner, %reason, %timeout, "DRAINING: finishes its requests");
        }
        EventKind::Terminating { reason, detail, grace_period } if reason.is_planned() => {
            let grace_period = format_setting(*grace_period);
            tracing::info!(%runner, %reason, detail, %grace_period, "TERMINATING: told to stop");
        }
        EventKind::Terminating { reason, detail, grace_period } => {
            let grace_period = format_setting(*grace_period);
            tracing::warn!(%runner, %reason, detail, %grace_period, "TERMINATING: told to stop");
        }
        EventKind::Killed => tracing::warn!(%runner, "TERMINATING: sent SIGKILL to its process group"),
        EventKind::Abandoned => {
            tracing::error!(%runner, "TERMINATING: survives SIGKILL; the host continues without it");
        }
        EventKind::KillOutlived => {
            tracing::error!(%runner, "TERMINATING: survives SIGKILL; its successor starts when it has ended");
        }
        EventKind::Terminated(record) => log_end(record, evidence.map(Evidence::end).unwrap_or_default()),
        EventKind::BackoffStarted { index, wait, failed_starts } => tracing::warn!(
            %runner,
            replica = index,
            wait = ?rounded(*wait),
            failed_starts,
            "CRASH_BACKOFF: starts fail, so this one waits"
        ),
        EventKind::BackoffEnded => tracing::info!(%runner, "PENDING: its wait is over"),
        EventKind::GaveUp(gave_up) => tracing::error!(%runner, "{gave_up}. The host stops"),
        EventKind::RestartCompleted { replaced } => {
            tracing::info!(%runner, replaced, "the rolling restart is complete");
        }
        EventKind::RestartAborted { reason, cause } => tracing::error!(
            %runner,
            %reason,
            exit = cause.exit.map(tracing::field::display),
            detail = cause.detail,
            last_line = cause.last_line,
            "a new runner failed: the rolling restart ends, and the runners that it has not replaced stay; `explain {runner}` says more"
        ),
        EventKind::Paused { .. }
        | EventKind::Resumed { .. }
        | EventKind::UpgradeStarted { .. }
        | EventKind::UpgradeCompleted { .. }
        | EventKind::UpgradeFailed { .. } => log_of_host(kind),
    }
}

/// Writes an event of the host itself to the log.
pub(crate) fn log_of_host(kind: &EventKind) {
    match kind {
        EventKind::Paused { before: Duration::ZERO } => {
            tracing::warn!("an operator paused the host: requests wait in the queue until `resume`");
        }
        EventKind::Paused { .. } => {
            tracing::warn!("paused, as the host before: requests wait in the queue until `resume`");
        }
        EventKind::Resumed { after } => {
            tracing::warn!(after = ?rounded(*after), "an operator resumed the host");
        }
        EventKind::UpgradeStarted { pid } => {
            tracing::info!(
                pid,
                "upgrade: the new program is started; it takes over when its runners have passed a check"
            );
        }
        EventKind::UpgradeCompleted { pid } => {
            tracing::info!(
                pid,
                "upgrade: the new host serves, and this one stops when its clients have left"
            );
        }
        EventKind::UpgradeFailed { detail } => {
            tracing::error!(%detail, "upgrade: it has failed");
        }
        other => tracing::debug!(kind = other.name(), "an event of the host"),
    }
}

fn log_check(runner: RunnerId, record: &CheckRecord, evidence: Option<&Evidence>) {
    let detail = evidence.and_then(|evidence| evidence.detail(record.id));
    let detail = detail.as_deref();
    let trigger = record.trigger.name();
    let took = rounded(record.duration);
    let outcome = record.outcome;
    match record.effect {
        CheckEffect::Passed => tracing::debug!(%runner, trigger, ?took, "health check passed"),
        CheckEffect::Counted { streak } => {
            tracing::warn!(%runner, trigger, %outcome, ?took, streak, detail, "health check failed");
        }
        CheckEffect::Ignored => {
            tracing::info!(%runner, trigger, %outcome, ?took, detail, "health check failed inside the start period: ignored");
        }
        CheckEffect::ManualFailure => {
            let requester = evidence.and_then(|evidence| evidence.requester(record.id));
            let requested_by = requester.as_deref().map(tracing::field::display);
            tracing::warn!(%runner, trigger, %outcome, ?took, detail, requested_by, "health check failed: unhealthy");
        }
        CheckEffect::Inconclusive => {
            tracing::warn!(%runner, trigger, %outcome, ?took, "health check inconclusive: not counted");
        }
        _ => tracing::warn!(%runner, trigger, %outcome, ?took, "health check ended"),
    }
}

fn log_end(record: &RunnerRecord, end: EndEvidence) {
    let RunnerRecord { id: runner, reason, detail, .. } = record;
    let exit = record.exit.map(tracing::field::display);
    let detail = detail.as_deref();
    let lived = rounded(record.ended.since(record.started));
    let core_dumped = end.core_dumped.then_some(true);
    let oom_killed = end.oom_killed.map(OomEvidence::name);
    match reason {
        // The log has no earlier line about these.
        Reason::Exited | Reason::SetupFailed => {
            tracing::warn!(%runner, %reason, exit, oom_killed, core_dumped, detail, ?lived, "TERMINATED");
        }
        _ => tracing::info!(%runner, %reason, exit, oom_killed, core_dumped, detail, ?lived, "TERMINATED"),
    }
}

/// A setting as a person writes it: zero as seconds, not as nanoseconds.
fn format_setting(setting: Duration) -> String {
    if setting.is_zero() { "0s".to_owned() } else { format!("{setting:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_written_in_seconds() {
        assert_eq!(format_setting(Duration::ZERO), "0s");
        assert_eq!(format_setting(Duration::from_millis(1500)), "1.5s");
    }
}
