//! The notes of one runner (S116a).

use std::time::Duration;

use crate::amounts::whole_seconds;
use crate::fleet::RunnerState;
use crate::note::{Note, NoteKind};
use crate::snapshot::RunnerInfo;

/// What stands out about a runner. `has_waiting`: a request has waited for a permit for some time.
pub(super) fn notes(
    info: &RunnerInfo,
    permits: u32,
    has_waiting: bool,
    startup_limit: Duration,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut add = |kind, text: String| notes.push(Note::new(kind, &text));
    if info.spare {
        add(NoteKind::Spare, "spare".to_owned());
    }
    if info.awaits_first_pass {
        add(NoteKind::AwaitsFirstPass, "waits for its first passed check".to_owned());
    } else if info.state == RunnerState::Setup {
        add(NoteKind::Setup, setup(info, startup_limit));
        if let Some(listens) = unexpected_address(info) {
            add(NoteKind::UnexpectedAddress, listens.to_owned());
        }
    }
    if let Some(backoff) = info.backoff {
        let starts = if backoff.failed_starts == 1 { "start" } else { "starts" };
        let (failed, rest) = (backoff.failed_starts, whole_seconds(backoff.remaining));
        add(NoteKind::Backoff, format!("starts in {rest}, after {failed} failed {starts}"));
    }
    if info.awaits_min_healthy {
        add(NoteKind::AwaitsMinHealthy, "waits for the minimum healthy time".to_owned());
    }
    if info.deferred {
        add(NoteKind::Deferred, "replacement deferred".to_owned());
    }
    if let Some(reason) = info.reason {
        add(NoteKind::Ends, format!("ends: {reason}"));
    }
    if let Some(reason) = info.replacement_due {
        add(NoteKind::ReplacementDue, format!("will be replaced: {reason}"));
    }
    if let Some(health) = &info.health {
        if info.has_ignored_failure() {
            let outcome = health.last_check.as_ref().map(|check| check.outcome.to_string());
            let (outcome, from) = (outcome.unwrap_or_default(), whole_seconds(health.effective_start_period));
            add(
                NoteKind::FailureIgnored,
                format!("its check fails ({outcome}), which counts from an age of {from}"),
            );
        }
        if health.wedged {
            add(NoteKind::Wedged, "overdue requests hold all permits".to_owned());
        }
        if let Some(stalled) = health.stalled {
            add(NoteKind::Stalled, format!("stalled for {}", whole_seconds(stalled)));
        }
    }
    if has_waiting && info.full {
        add(NoteKind::Full, full(info, permits));
    }
    notes
}

/// How far a setup is.
fn setup(info: &RunnerInfo, startup_limit: Duration) -> String {
    let time =
        format!("setting up for {} of at most {}", whole_seconds(info.age), whole_seconds(startup_limit));
    match &info.progress {
        Some(progress) => format!("{time}, {}", progress.message),
        None => time,
    }
}

/// Where a server without this SDK listens, if that is not where it should: the first clauses of its detail.
fn unexpected_address(info: &RunnerInfo) -> Option<&str> {
    let detail = info.detail.as_ref()?;
    let end = if detail.contains(": expected") { "; " } else { ": " };
    detail.split(end).next()
}

/// What holds all permits.
fn full(info: &RunnerInfo, permits: u32) -> String {
    let held = if permits == 1 { "its permit is held" } else { &format!("all {permits} permits are held") };
    match &info.oldest_request {
        None => format!("{held} for a check"),
        Some(oldest) => {
            let by = if permits == 1 { "" } else { ", the oldest" };
            let (time, method, path) = (whole_seconds(oldest.in_flight), &oldest.method, &oldest.path);
            let client = oldest.client_wait.map(|wait| format!(", whose client {}", wait.transfer.missing()));
            format!("{held}{by} for {time} by {method} {path}{}", client.unwrap_or_default())
        }
    }
}
