//! Restarts: progress of a setup, SIGHUP, and replacement strategies.

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
