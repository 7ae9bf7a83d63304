//! The notes of the host (S116b, S116c, S116d).

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use fal_health::Outcome;

use crate::amounts::whole_seconds;
use crate::check_info::CheckInfo;
use crate::fleet::RestartStatus;
use crate::note::{Note, NoteKind};
use crate::shared_cause::shared_cause;
use crate::snapshot::Snapshot;
use crate::upgrade_status::UpgradeStatus;

/// What stands out about a host.
pub(super) fn notes(shown: &Snapshot, now: SystemTime) -> Vec<Note> {
    let notes = [
        queue(shown),
        paused(shown),
        restart(shown, now),
        upgrade(shown, now),
        log_loss(shown),
        span_loss(shown),
    ];
    shared_findings(shown).into_iter().chain(notes.into_iter().flatten()).collect()
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

/// Spans that are missing.
fn span_loss(shown: &Snapshot) -> Option<Note> {
    shown.lost_spans.as_ref().map(|lost| Note::new(NoteKind::SpansLost, &lost.to_string()))
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

/// An upgrade that is under way or has failed.
fn upgrade(shown: &Snapshot, now: SystemTime) -> Option<Note> {
    let since = |at: &SystemTime| whole_seconds(now.duration_since(*at).unwrap_or_default());
    match shown.upgrade.as_ref()? {
        UpgradeStatus::Upgrading { pid, at } => {
            let text = format!("an upgrade is under way for {}: process {pid} does not serve yet", since(at));
            Some(Note::new(NoteKind::Upgrading, &text))
        }
        UpgradeStatus::Failed { detail, at } => {
            let text = format!("the last upgrade failed {} ago: {detail}", since(at));
            Some(Note::new(NoteKind::UpgradeFailed, &text))
        }
        UpgradeStatus::Completed { .. } => None,
    }
}

/// The findings of the last checks that several replicas have in common.
fn shared_findings(shown: &Snapshot) -> Vec<Note> {
    let of_ended = shown.ended.iter().map(|record| (record.index, record.checks.last()));
    let of_live = shown.runners.iter().map(|info| {
        let last = info.health.as_ref().and_then(|health| health.last_check.as_ref());
        (info.index, last)
    });
    let live: BTreeSet<_> = shown.runners.iter().map(|info| info.index).collect();
    // The newest runner of a replica that has been checked comes last.
    let last: BTreeMap<_, _> =
        of_ended.chain(of_live).filter_map(|(index, check)| Some((index, check?))).collect();
    let mut findings: Vec<(&CheckInfo, usize)> = Vec::new();
    for (_, check) in last.into_iter().filter(|(index, _)| live.contains(index)) {
        if !matches!(check.outcome, Outcome::Failure(_)) {
            continue;
        }
        let same = |(other, _): &&mut (&CheckInfo, usize)| {
            other.outcome == check.outcome && other.detail == check.detail
        };
        match findings.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => findings.push((check, 1)),
        }
    }
    let shared = findings.into_iter().filter(|(_, count)| *count > 1);
    shared.map(|(check, count)| shared_finding(check, count)).collect()
}

fn shared_finding(check: &CheckInfo, count: usize) -> Note {
    let detail = check.detail.as_ref().map(|detail| format!(" {detail:?}")).unwrap_or_default();
    let (outcome, cause) = (check.outcome, shared_cause(check.outcome));
    let text = format!("{count} replicas have the same finding, {outcome}{detail}: {cause}");
    Note::new(NoteKind::SharedFinding, &text)
}
