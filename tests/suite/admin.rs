//! The admin interface: S36, S37.

use rustix::process::Signal;
use serde_json::Value;

use fal_tests::Answer;

use crate::harness::*;

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn runners_shows_what_there_is_and_what_has_ended_s36a_s37e() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    director.asked_times(2, 1, Kind::Check).await;
    let shown = host.shows("/runners").await.json();
    assert_eq!(
        keys(&shown),
        ["app", "ended", "latency", "max_multiplexing", "notes", "queued", "refused", "runners", "scale"]
    );
    assert_eq!(shown["app"], "scripted");
    assert_eq!(shown["ended"], Value::Array(Vec::new()));
    let runner = &shown["runners"][0];
    assert_eq!(
        keys(runner),
        ["age_seconds", "health", "id", "in_flight", "oldest_request", "pid", "replica", "requests", "state"]
    );
    assert_eq!(
        (&runner["id"], &runner["pid"], &runner["in_flight"]),
        (&1.into(), &call.pid().into(), &1.into())
    );
    assert_eq!(runner["state"], "RUNNING");
    assert!(runner["age_seconds"].as_f64().unwrap() > 0.0);
    let health = &runner["health"];
    let expected = ["effective_start_period_seconds", "failure_threshold", "last_check", "streak", "verdict"];
    // The age of the oldest request is shown if the call had begun at the last check.
    let mut shown_keys = keys(health);
    shown_keys.retain(|key| *key != "oldest_request_seconds");
    assert_eq!(shown_keys, expected);
    assert_eq!((&health["verdict"], &health["streak"]), (&"healthy".into(), &0.into()));
    assert_eq!(health["failure_threshold"], 3);
    assert_eq!(health["effective_start_period_seconds"].as_f64(), Some(0.0));
    let check = &health["last_check"];
    assert_eq!((&check["trigger"], &check["outcome"]), (&"periodic".into(), &"pass".into()));
    assert!(check["duration_ms"].as_f64().unwrap() > 0.0);

    director.answer_of(1, Kind::ManualCheck, Answer::fail());
    call.answer(Answer::ok().asking()).await;
    pending.response().await;
    host.stderr.line("TERMINATED runner=1").await;
    host.stderr.line("IDLE runner=2").await;
    let shown = host.shows("/runners").await.json();
    let [ended] = shown["ended"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!((&ended["id"], &ended["reason"]), (&1.into(), &"manual_check_failed".into()));
    assert_eq!(ended["exit"], serde_json::json!({ "status": 0 }));
    let last = ended["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["trigger"], &last["outcome"]), (&"manual".into(), &"failure".into()));
    assert_eq!((&last["reason"], &last["status"]), (&"status".into(), &500.into()));
    assert_eq!(shown["runners"][0]["id"], 2);
}

#[tokio::test]
async fn the_host_is_well_from_the_start_and_ready_when_a_runner_is() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let host = Program::run(&director, &["--app", "scripted"]);
    let setup = director.next(Kind::Setup).await;
    assert_eq!(host.shows("/healthz").await.status, 200);
    assert_eq!(host.shows("/readyz").await.status, 503);
    let shown = host.shows("/runners").await.json();
    assert_eq!(shown["runners"][0]["state"], "SETUP");
    setup.succeed().await;
    host.stderr.line("IDLE runner=1").await;
    assert_eq!(host.shows("/readyz").await.status, 200);
    assert_eq!(host.shows("/runners").await.json()["runners"][0]["state"], "IDLE");
    let unknown = host.shows("/metrix").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.json()["detail"].as_str().unwrap().contains("/runners"));
}

#[tokio::test]
async fn a_host_that_stops_says_so_instead_of_restarting_s41a() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted"]);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    let mut admin = Client::tcp(host.admin().await).await;
    host.signal(Signal::TERM);
    host.stderr.line("DRAINING runner=1").await;
    let refused = admin.exchange(&Request::order("/restart")).await;
    assert_eq!(refused.status, 503);
    assert!(refused.json()["detail"].as_str().unwrap().contains("stopping"));
    call.succeed().await;
    pending.response().await;
    assert_eq!(host.exit().await, Some(0));
}
