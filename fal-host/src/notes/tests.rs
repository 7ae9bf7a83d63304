//! What the notes say.

use std::time::Duration;

use fal_health::{Failure, Outcome, Trigger};

use crate::check_info::CheckInfo;
use crate::fleet::{Reason, RestartStatus, RunnerState};
use crate::id::RunnerId;
use crate::log_loss::LostLines;
use crate::note::Note;
use crate::recent_losses::RecentLosses;
use crate::request_info::{AwaitedTransfer, ClientWait, RequestInfo};
use crate::snapshot::{BackoffInfo, RunnerInfo, Snapshot};
use crate::snapshot_examples::{at, ended, request, runner, snapshot};
use crate::span_loss::LostSpans;
use crate::upgrade_status::UpgradeStatus;

fn texts(notes: &[Note]) -> Vec<&str> {
    notes.iter().map(|note| note.text.as_str()).collect()
}

/// The notes of a runner while `waited` says how long a request has waited.
fn of_runner(info: RunnerInfo, waited: Option<u64>) -> String {
    let queued_for = waited.map(Duration::from_secs);
    let shown = Snapshot { queued: 3, queued_for, ..snapshot(vec![info]) }.with_notes(at(1_000));
    texts(&shown.runners[0].notes).join(", ")
}

fn of_host(shown: Snapshot) -> String {
    texts(&shown.with_notes(at(1_000)).notes).join("\n")
}

type Change = fn(&mut RunnerInfo);

#[test]
fn a_runner_that_does_more_or_less_than_serve_has_a_note_s116a_s116e() {
    let seconds = Duration::from_secs;
    let cases: [(RunnerState, Change, &str); 16] = [
        (RunnerState::Idle, |info| info.spare = true, "spare"),
        (RunnerState::Idle, |info| info.deferred = true, "replacement deferred"),
        (RunnerState::Draining, |info| info.reason = Some(Reason::Restarted), "ends: restarted"),
        (RunnerState::Idle, |info| info.replacement_due = Some(Reason::Age), "will be replaced: age"),
        (RunnerState::Idle, |info| info.awaits_min_healthy = true, "waits for the minimum healthy time"),
        (RunnerState::Setup, |info| info.awaits_first_pass = true, "waits for its first passed check"),
        (
            RunnerState::Pending,
            |info| info.awaits_start_of = Some(RunnerId::new(1)),
            "waits for the start of runner 1",
        ),
        (
            RunnerState::Pending,
            |info| info.detail = Some("the system has not executed /a.b for 10s; see".to_owned()),
            "the system has not executed /a.b for 10s",
        ),
        (RunnerState::Setup, |_| (), "setting up for 1m 40s of at most 10m"),
        (
            RunnerState::Setup,
            |info| info.detail = Some("the runner listens on 127.0.0.1:1: expected 127.0.0.1:2".to_owned()),
            "setting up for 1m 40s of at most 10m, the runner listens on 127.0.0.1:1: expected 127.0.0.1:2",
        ),
        (
            RunnerState::Idle,
            |info| {
                let health = info.health.as_mut().unwrap();
                health.effective_start_period = Duration::from_secs(101);
                health.last_check = Some(CheckInfo {
                    trigger: fal_health::Trigger::Periodic,
                    outcome: fal_health::Outcome::Failure(fal_health::Failure::Connect),
                    duration: Duration::from_millis(1),
                    ago: Duration::from_secs(1),
                    detail: None,
                    requested_by: None,
                });
            },
            "its check fails (connect), which counts from an age of 1m 41s",
        ),
        (
            RunnerState::Setup,
            |info| {
                info.awaits_first_pass = true;
                info.health.as_mut().unwrap().last_check = Some(CheckInfo {
                    trigger: fal_health::Trigger::Periodic,
                    outcome: fal_health::Outcome::Failure(fal_health::Failure::Status(500)),
                    duration: Duration::from_millis(1),
                    ago: Duration::from_secs(1),
                    detail: Some("no model".into()),
                    requested_by: None,
                });
            },
            "waits for its first passed check, its check fails (status 500 \"no model\")",
        ),
        (
            RunnerState::Idle,
            |info| {
                let (last, printed) = (request(3), Some("RuntimeError: can't start new thread".to_owned()));
                let losses = RecentLosses { requests: 2, ago: Duration::from_secs(9), last, printed };
                info.recent_losses = Some(Box::new(losses));
            },
            "lost 2 requests, the last one 9s ago (POST /predict); it printed \"RuntimeError: can't start new thread\"",
        ),
        (
            RunnerState::CrashBackoff,
            |info| {
                info.backoff =
                    Some(BackoffInfo { remaining: Duration::from_millis(2_500), failed_starts: 4 });
            },
            "starts in 2s, after 4 failed starts",
        ),
        (
            RunnerState::Running,
            |info| info.health.as_mut().unwrap().wedged = true,
            "overdue requests hold all permits",
        ),
        (
            RunnerState::Running,
            |info| info.health.as_mut().unwrap().stalled = Some(Duration::from_secs(7)),
            "stalled for 7s",
        ),
    ];
    for (state, change, expected) in cases {
        let mut info = RunnerInfo { age: seconds(100), ..runner(state) };
        change(&mut info);
        assert_eq!(of_runner(info, None), expected);
    }
    let hostile = RunnerInfo { detail: Some("\x1b[2J: x".to_owned()), ..runner(RunnerState::Setup) };
    assert!(of_runner(hostile, None).ends_with(", \u{fffd}[2J"));
}

#[test]
fn a_runner_whose_permits_are_all_held_while_a_request_waits_names_the_oldest_one_s116b() {
    let held = RunnerInfo {
        full: true,
        oldest_request: Some(Box::new(request(12))),
        ..runner(RunnerState::Running)
    };
    assert_eq!(
        of_runner(held.clone(), Some(1)),
        "all 2 permits are held, the oldest for 12s by POST /predict"
    );
    let waiting = Snapshot { queued: 1, queued_for: Some(Duration::from_secs(9)), ..snapshot(vec![held]) };
    let one = Snapshot { max_multiplexing: 1, ..waiting.clone() }.with_notes(at(1_000));
    assert_eq!(texts(&one.runners[0].notes), ["its permit is held for 12s by POST /predict"]);
    let paused = Snapshot { paused: true, ..waiting }.with_notes(at(1_000));
    assert!(paused.runners[0].notes.is_empty(), "they wait for the end of the pause");
}

#[test]
fn a_runner_that_only_serves_has_no_note_s116a_s116b() {
    assert_eq!(of_runner(runner(RunnerState::Idle), None), "");
    let held = RunnerInfo {
        full: true,
        oldest_request: Some(Box::new(request(12))),
        ..runner(RunnerState::Running)
    };
    assert_eq!(of_runner(held.clone(), None), "");
    assert_eq!(of_runner(held.clone(), Some(0)), "", "a request that has just arrived may get one at once");
    assert_eq!(of_runner(RunnerInfo { full: false, ..held }, Some(5)), "");
}

#[test]
fn requests_that_wait_are_counted_with_their_time_and_the_cause_s116b() {
    let waiting = |queued, cause: &str| {
        let queue_cause = Some(cause.to_owned());
        of_host(Snapshot {
            queued,
            queued_for: Some(Duration::from_secs(12)),
            queue_cause,
            ..snapshot(vec![])
        })
    };
    let cause = "2 of 2 permits are held";
    assert_eq!(waiting(1, cause), "1 request waits in the queue, for 12s: 2 of 2 permits are held");
    assert_eq!(waiting(3, cause), "3 requests wait in the queue, the first for 12s: 2 of 2 permits are held");
    assert_eq!(of_host(snapshot(vec![runner(RunnerState::Idle)])), "");
}

#[test]
fn a_pause_is_told_with_its_beginning_s116c() {
    let paused = Snapshot { paused: true, paused_since: Some(at(940)), ..snapshot(vec![]) };
    let expected = "the host is paused since 1970-01-01T00:15:40Z: `resume` lets requests go on";
    assert_eq!(of_host(paused.clone()), expected);
    let json = serde_json::to_value(&paused).unwrap();
    assert_eq!((&json["paused"], json["paused_since"].as_f64()), (&true.into(), Some(940.0)));
}

#[test]
fn lost_spans_have_a_note_with_their_cause_s114d() {
    let cause = "Connection refused (os error 111)".to_owned();
    let lost_spans = Some(LostSpans { spans: 76, since: at(940), cause });
    let told = of_host(Snapshot { lost_spans, ..snapshot(vec![]) });
    assert_eq!(told, "76 spans were lost since 1970-01-01T00:15:40Z: Connection refused (os error 111)");
}

#[test]
fn lost_log_lines_have_a_note_with_their_cause_s117a() {
    let lost = |lines| LostLines { lines, since: at(940), cause: "No space left on device".to_owned() };
    let told = |lines| of_host(Snapshot { lost_log_lines: Some(lost(lines)), ..snapshot(vec![]) });
    assert_eq!(told(130), "130 log lines were lost since 1970-01-01T00:15:40Z: No space left on device");
    assert_eq!(told(1), "1 log line was lost since 1970-01-01T00:15:40Z: No space left on device");
}

#[test]
fn a_rolling_restart_that_is_under_way_or_has_failed_is_told_s52c_s116c() {
    let told = |restart| {
        let ended = vec![ended(Reason::SetupFailed)];
        of_host(Snapshot { restart: Some(restart), ended, ..snapshot(vec![]) })
    };
    assert_eq!(
        told(RestartStatus::Aborted { runner: RunnerId::new(3), reason: Reason::SetupFailed }),
        "the last rolling restart failed 40s ago: its new runner 3 ended as setup_failed (`explain 3`); the runners that it had not \
         replaced stay"
    );
    let under_way = told(RestartStatus::Restarting { remaining: 2 });
    assert_eq!(under_way, "a rolling restart is under way: 2 runners are yet to be replaced");
    assert_eq!(told(RestartStatus::Completed), "");
}

#[test]
fn an_upgrade_that_is_under_way_or_has_failed_has_a_note_s116c() {
    let told = |upgrade| of_host(Snapshot { upgrade: Some(upgrade), ..snapshot(vec![]) });
    assert_eq!(
        told(UpgradeStatus::Upgrading { pid: 7, at: at(940) }),
        "an upgrade is under way for 1m: process 7 does not serve yet"
    );
    assert_eq!(
        told(UpgradeStatus::Failed { detail: "its setup failed".to_owned(), at: at(940) }),
        "the last upgrade failed 1m ago: its setup failed"
    );
    assert_eq!(told(UpgradeStatus::Completed { pid: 7 }), "");
}

#[test]
fn replicas_whose_last_checks_have_the_same_finding_share_a_note_s116d() {
    let checked = |index, outcome, detail: &str| {
        let mut info = RunnerInfo { index, ..runner(RunnerState::Idle) };
        let last = CheckInfo {
            trigger: Trigger::Periodic,
            outcome,
            duration: Duration::ZERO,
            ago: Duration::ZERO,
            detail: Some(detail.into()),
            requested_by: None,
        };
        info.health.as_mut().unwrap().last_check = Some(last);
        info
    };
    let status = Outcome::Failure(Failure::Status(503));
    let runners = vec![
        checked(0, status, "db down"),
        checked(1, status, "db down"),
        checked(2, status, "no disk"),
        checked(3, Outcome::Pass, "db down"),
    ];
    assert_eq!(
        of_host(snapshot(runners)),
        "2 replicas have the same finding, status 503 \"db down\": they share its cause, such as a database. Repair that; to replace \
         runners does not help"
    );
    let disconnected = Outcome::Failure(Failure::Disconnected);
    let text =
        of_host(snapshot(vec![checked(0, disconnected, "closed"), checked(1, disconnected, "closed")]));
    assert!(text.contains("What they printed says why") && !text.contains("database"), "{text}");
    // The second runner of a replica counts, and not the one before it.
    let replaced =
        vec![checked(0, status, "db down"), checked(1, status, "db down"), checked(1, Outcome::Pass, "")];
    assert_eq!(of_host(snapshot(replaced)), "");
}

#[test]
fn a_client_that_keeps_a_permit_is_named_as_such_s116b() {
    let client_wait =
        Some(ClientWait { transfer: AwaitedTransfer::Response, waited: Duration::from_secs(9) });
    let oldest = RequestInfo { client_wait, ..request(12) };
    let held =
        RunnerInfo { full: true, oldest_request: Some(Box::new(oldest)), ..runner(RunnerState::Running) };
    assert_eq!(
        of_runner(held, Some(5)),
        "all 2 permits are held, the oldest for 12s by POST /predict, whose client does not read the response"
    );
}
