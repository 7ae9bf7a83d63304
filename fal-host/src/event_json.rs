//! Events as JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fal_health::{CheckEffect, CheckRecord};
use serde_json::{Map, Value, json};

use crate::check_info::CheckInfo;
use crate::clock::Clock;
use crate::ended_info::EndedInfo;
use crate::event_log::{LoggedPass, Position};
use crate::evidence::Evidence;
use crate::fleet::EventKind;
use crate::id::RunnerId;

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventSource<'a> {
    pub(crate) runner: Option<RunnerId>,
    pub(crate) at: SystemTime,
    pub(crate) clock: &'a Clock,
    pub(crate) evidence: Option<&'a Evidence>,
}

/// An event with its id as a JSON object in one line.
pub(crate) fn to_json(id: Position, kind: &EventKind, source: EventSource<'_>) -> String {
    line(id, kind.name(), source.runner, source.at, fields(kind, source))
}

/// A passed periodic check with its id as a JSON object in one line.
pub(crate) fn pass_to_json(id: Position, kind: &str, runner: Option<RunnerId>, pass: &LoggedPass) -> String {
    line(id, kind, runner, pass.at, check_fields(&pass.record, None))
}

fn line(id: Position, kind: &str, runner: Option<RunnerId>, at: SystemTime, fields: Value) -> String {
    let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut event = Map::new();
    event.insert("id".to_owned(), id.to_string().into());
    event.insert("at".to_owned(), seconds(at));
    event.insert("kind".to_owned(), kind.into());
    if let Some(runner) = runner {
        event.insert("runner".to_owned(), runner.get().into());
    }
    if let Value::Object(fields) = fields {
        event.extend(fields);
    }
    Value::Object(event).to_string()
}

fn check_fields(record: &CheckRecord, kept: Option<&Evidence>) -> Value {
    let mut check = to_value(&CheckInfo::with_detail(record, record.started + record.duration, kept));
    if let (Value::Object(fields), CheckEffect::Counted { streak }) = (&mut check, record.effect) {
        fields.insert("streak".to_owned(), streak.into());
    }
    without(check, "ago_seconds")
}

fn seconds(duration: Duration) -> Value {
    ((duration.as_secs_f64() * 1_000.0).round() / 1_000.0).into()
}

/// The fields of one kind of event. Their names are those of `/runners`.
fn fields(kind: &EventKind, source: EventSource<'_>) -> Value {
    match kind {
        EventKind::Started { index, pid, effective_start_period } => json!({
            "replica": index,
            "pid": pid,
            "effective_start_period_seconds": effective_start_period.map(seconds),
        }),
        EventKind::Progress(progress) => {
            json!({ "fraction": progress.fraction, "message": progress.message })
        }
        EventKind::AwaitingFirstPass { after }
        | EventKind::StandsBy { after }
        | EventKind::Ready { after } => {
            json!({ "after_seconds": seconds(*after) })
        }
        EventKind::Checked(record) => check_fields(record, source.evidence),
        EventKind::Stalled { since } => json!({ "since_seconds": seconds(*since) }),
        EventKind::LimitTooLow { reason, detail } => json!({ "reason": reason, "detail": detail }),
        EventKind::ReplacementDue { reason, detail } => json!({ "reason": reason, "detail": detail }),
        EventKind::ReplacementDeferred { replacing } => json!({ "replacing": replacing }),
        EventKind::RestartAborted { reason, cause } => {
            json!({ "reason": reason, "detail": cause.detail, "last_line": cause.last_line })
        }
        EventKind::Draining { reason, timeout } => {
            json!({ "reason": reason, "timeout_seconds": seconds(*timeout) })
        }
        EventKind::Terminating { reason, detail, grace_period } => {
            json!({ "reason": reason, "detail": detail, "grace_period_seconds": seconds(*grace_period) })
        }
        EventKind::Terminated(record) => {
            let ended = to_value(&EndedInfo::of(record, source.clock, source.evidence));
            without(without(ended, "id"), "checks")
        }
        EventKind::BackoffStarted { index, wait, failed_starts } => {
            json!({ "replica": index, "wait_seconds": seconds(*wait), "failed_starts": failed_starts })
        }
        EventKind::GaveUp(gave_up) => json!({ "detail": gave_up.to_string() }),
        EventKind::Promoted { replaces } => json!({ "replaces": replaces }),
        EventKind::Paused { before } => json!({ "before_seconds": seconds(*before) }),
        EventKind::Resumed { after } => json!({ "after_seconds": seconds(*after) }),
        EventKind::UpgradeStarted { pid } | EventKind::UpgradeCompleted { pid } => json!({ "pid": pid }),
        EventKind::UpgradeFailed { detail } => json!({ "detail": detail }),
        EventKind::RestartCompleted { replaced } => json!({ "replaced": replaced }),
        EventKind::Killed | EventKind::Abandoned | EventKind::KillOutlived | EventKind::BackoffEnded => {
            Value::Null
        }
    }
}

fn to_value(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn without(mut value: Value, field: &str) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.remove(field);
    }
    value
}
