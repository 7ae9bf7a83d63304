//! Restarts: progress of a setup, SIGHUP, and replacement strategies.

use fal_tests::{Act, Answer};
use rustix::process::Signal;
use serde_json::json;

use crate::harness::*;

#[tokio::test]
async fn how_far_a_setup_is_can_be_read_while_it_lasts() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let host = Program::run(&director, &["--app", "scripted"]);
    let setup = director.next(Kind::Setup).await;
    host.stderr.line("SETUP: waiting for the director").await;
    let shown = host.shows("/runners").await.json();
    let runner = &shown["runners"][0];
    assert_eq!(runner["state"], "SETUP");
    assert_eq!(runner["progress"], json!({ "fraction": 0.5, "message": "waiting for the director" }));
    setup.succeed().await;
    host.stderr.line("IDLE: takes requests").await;
    assert_eq!(host.shows("/runners").await.json()["runners"][0]["state"], "IDLE");
}

#[tokio::test]
async fn sighup_without_a_terminal_replaces_every_runner_and_stops_nothing() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted", "--runners", "2"]);
    for runner in [1, 2] {
        host.stderr.line(&format!("IDLE: takes requests runner={runner}")).await;
    }
    host.signal(Signal::HUP);
    for runner in [1, 2] {
        host.stderr.line(&format!("TERMINATED runner={runner} reason=restarted")).await;
    }
    let pending = host.call("after").await;
    let call = director.call("after").await;
    assert!(call.runner() > 2);
    call.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn a_stop_first_replacement_starts_when_the_old_process_has_ended_s35b() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--replace", "stop-first"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    host.signal(Signal::HUP);
    host.stderr.line("IDLE: takes requests runner=2").await;
    let lines = host.stderr.look();
    let at = |words: &str| lines.iter().position(|line| line.contains(words));
    let (ended, started) = (at("TERMINATED runner=1"), at("SETUP: started runner=2"));
    assert!(ended.is_some() && ended < started, "{lines:#?}");
}

#[tokio::test]
async fn a_client_of_the_admin_interface_gets_the_outcome_of_a_restart_s52b_s52c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--min-healthy", "1h"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut admin = Client::tcp(host.admin().await).await;
    let outcome = tokio::spawn(async move { admin.exchange(&Request::order("/restart?wait=true")).await });
    host.stderr.line("IDLE: takes requests runner=2").await;
    let shown = host.shows("/runners").await.json();
    assert_eq!(shown["restart"], json!({ "status": "restarting", "remaining": 1 }));
    assert_eq!(shown["runners"][1]["awaits_min_healthy"], true);
    // Both take requests, and the new one does not survive its own.
    let (one, other) = (host.call("one").await, host.call("other").await);
    for _ in 0..2 {
        let call = director.next(Kind::Call).await;
        let end = if call.runner() == 2 { Act::Exit(1).into() } else { Answer::ok() };
        call.answer(end).await;
    }
    let mut statuses = [one.response().await.status, other.response().await.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 503]);
    let outcome = within("the outcome", outcome).await.unwrap();
    assert_eq!(outcome.status, 500);
    assert!(outcome.json()["detail"].as_str().unwrap().contains("new runner 2 failed with `exited`"));
    host.stderr.line("a new runner failed: the rolling restart ends runner=2 reason=exited").await;
    let shown = host.shows("/runners").await.json();
    assert_eq!(shown["restart"], json!({ "status": "aborted", "runner": 2, "reason": "exited" }));
    assert_eq!(shown["runners"][0]["id"], 1);
}

#[tokio::test]
async fn a_restart_that_replaces_every_runner_is_answered_200_s52c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut admin = Client::tcp(host.admin().await).await;
    let outcome = admin.exchange(&Request::order("/restart?wait=true")).await;
    assert_eq!((outcome.status, outcome.json()), (200, json!({ "id": 1, "status": "completed" })));
    host.stderr.line("the rolling restart is complete runner=2 replaced=1").await;
    assert_eq!(host.shows("/runners").await.json()["restart"], json!({ "status": "completed" }));
}
