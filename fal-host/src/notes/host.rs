//! The notes of the host (S116b, S116c).

use std::time::SystemTime;

use crate::amounts::whole_seconds;
use crate::fleet::RestartStatus;
use crate::note::{Note, NoteKind};
use crate::snapshot::Snapshot;

/// What stands out about a host.
pub(super) fn notes(shown: &Snapshot, now: SystemTime) -> Vec<Note> {
    let notes = [queue(shown), paused(shown), restart(shown, now), log_loss(shown)];
    notes.into_iter().flatten().collect()
}

/// How many requests wait, how long, and why.
fn queue(shown: &Snapshot) -> Option<Note> {
    let (queued, waited) = (shown.queued, shown.queued_for?);
    let requests = if queued == 1 { "1 request waits" } else { &format!("{queued} requests wait") };
    let waited = whole_seconds(waited);
    let time = if queued == 1 { format!("for {waited}") } else { format!("the first for {waited}") };
    let cause = shown.queue_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    Some(Note::new(NoteKind::Queue, &format!("{requests} in the queue, {time}{cause}")))
}

fn paused(shown: &Snapshot) -> Option<Note> {
    let since = humantime::format_rfc3339_seconds(shown.paused_since?);
    let text = format!("the host is paused since {since}: `resume` lets requests go on");
    Some(Note::new(NoteKind::Paused, &text))
}

/// Log lines that are missing.
fn log_loss(shown: &Snapshot) -> Option<Note> {
    shown.lost_log_lines.as_ref().map(|lost| Note::new(NoteKind::LogLinesLost, &lost.to_string()))
}

/// A rolling restart that is under way or has failed.
fn restart(shown: &Snapshot, now: SystemTime) -> Option<Note> {
    match shown.restart? {
        RestartStatus::Restarting { remaining } => {
            let runners = if remaining == 1 { "runner is" } else { "runners are" };
            let text = format!("a rolling restart is under way: {remaining} {runners} yet to be replaced");
            Some(Note::new(NoteKind::Restarting, &text))
        }
        RestartStatus::Aborted { runner, reason } => {
            let record = shown.ended.iter().find(|record| record.id == runner);
            let ago = record.and_then(|record| now.duration_since(record.ended_at).ok());
            let ago = ago.map(|ago| format!(" {} ago", whole_seconds(ago))).unwrap_or_default();
            let text = format!(
                "the last rolling restart failed{ago}: its new runner {runner} ended as {reason} (`explain {runner}`); the runners \
                 that it had not replaced stay"
            );
            Some(Note::new(NoteKind::RestartFailed, &text))
        }
        RestartStatus::Completed => None,
    }
}
