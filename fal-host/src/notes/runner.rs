//! The notes of one runner (S116a).

use std::time::Duration;

use fal_health::Outcome;

use crate::amounts::whole_seconds;
use crate::fleet::RunnerState;
use crate::note::{Note, NoteKind};
use crate::recent_losses::RecentLosses;
use crate::snapshot::RunnerInfo;

/// How many bytes of what a check found a note has.
const MAX_DETAIL: usize = 120;

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
    if let Some(start) = slow_start(info) {
        add(NoteKind::SlowStart, start);
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
    // The reason of an end says it otherwise.
    if let Some(failed) = check_failed(info).filter(|_| info.reason.is_none()) {
        add(NoteKind::CheckFailed, failed);
    }
    if let Some(losses) = info.recent_losses.as_ref().filter(|_| info.reason.is_none()) {
        add(NoteKind::RequestsLost, lost(losses));
    }
    if let Some(health) = &info.health {
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

/// What the last check found, if it failed, and from which age on failures count if it does not yet.
fn check_failed(info: &RunnerInfo) -> Option<String> {
    let last = info.health.as_ref().and_then(|health| Some((health, health.last_check.as_ref()?)));
    let (health, check) = last.filter(|(_, check)| matches!(check.outcome, Outcome::Failure(_)))?;
    let detail = check.detail.as_deref().filter(|_| check.has_finding());
    let detail = detail.map(|detail| format!(" {:?}", beginning(detail))).unwrap_or_default();
    let counts = if info.has_ignored_failure() {
        format!(", which counts from an age of {}", whole_seconds(health.effective_start_period))
    } else {
        String::new()
    };
    Some(format!("its check fails ({}{detail}){counts}", check.outcome))
}

/// The beginning of a text, for a table.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_DETAIL)).unwrap_or(text)
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

/// Why its process has not started yet, if that takes long.
fn slow_start(info: &RunnerInfo) -> Option<String> {
    if info.state != RunnerState::Pending {
        return None;
    }
    let behind = info.awaits_start_of.map(|other| format!("waits for the start of runner {other}"));
    behind.or_else(|| info.detail.as_ref()?.split("; ").next().map(str::to_owned))
}

/// Where a server without this SDK listens, if that is not where it should: the first clauses of its detail.
fn unexpected_address(info: &RunnerInfo) -> Option<&str> {
    let detail = info.detail.as_ref()?;
    let end = if detail.contains(": expected") { "; " } else { ": " };
    detail.split(end).next()
}

/// The requests that it has lost recently.
fn lost(losses: &RecentLosses) -> String {
    let RecentLosses { requests, ago, last, printed } = losses;
    let (method, path, ago) = (&last.method, &last.path, whole_seconds(*ago));
    let lost =
        if *requests == 1 { "lost a request" } else { &format!("lost {requests} requests, the last one") };
    let printed =
        printed.as_deref().map(|line| format!("; it printed {:?}", beginning(line))).unwrap_or_default();
    format!("{lost} {ago} ago ({method} {path}){printed}")
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
