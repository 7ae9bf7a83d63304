//! Why a runner is in its state or how it ended: S85.

use fal_tests::{Act, Answer};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::*;

async fn explained(host: &Program, runner: u64) -> String {
    let response = host.shows(&format!("/runners/{runner}/explain")).await;
    assert_eq!(response.status, 200);
    String::from_utf8(response.body).unwrap()
}

async fn details(host: &Program, runner: u64) -> Value {
    let response = host.shows(&format!("/runners/{runner}")).await;
    assert_eq!(response.status, 200);
    response.json()
}

fn steps(details: &Value) -> Vec<&str> {
    details["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_runner_that_failed_its_checks_shows_their_details_and_its_output_s85a_s85d() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    director.answer_of(1, Kind::Check, Act::Refuse(503, "no GPU left".to_owned()));
    host.stderr.line("health check failed runner=1 detail=\"no GPU left\"").await;
    host.stderr.line("TERMINATED runner=1 reason=unhealthy").await;
    let ended = details(&host, 1).await;
    assert_eq!(ended["reason"], "unhealthy");
    assert_eq!(steps(&ended), ["pending", "setup", "awaiting_first_pass", "in_rotation", "terminating"]);
    let last = ended["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["status"], &last["detail"]), (&503.into(), &"no GPU left".into()));
    assert!(ended["peak_memory_bytes"].as_u64().unwrap() > 0 && ended["cpu_seconds"].is_f64(), "{ended}");
    let output = ended["output"].as_array().unwrap();
    assert!(output.iter().all(|line| line["at"].is_f64() && line["text"].is_string()), "{ended}");
    let text = explained(&host, 1).await;
    for words in ["ended: unhealthy", "[S24]", "503: \"no GPU left\". [S18a]", "SIGTERM", "status 0"] {
        assert!(text.contains(words), "{words:?} is in {text}");
    }
    // The list stays short.
    let shown = host.shows("/runners").await.json();
    let [.., first, last] = &shown["ended"][0]["checks"].as_array().unwrap()[..] else {
        panic!("two checks failed: {shown}")
    };
    assert_eq!((first.get("detail"), &last["detail"]), (None, &"no GPU left".into()));
}

#[tokio::test]
async fn a_manual_check_names_the_request_or_the_operator_that_asked_s85f() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    director.answer_of(1, Kind::ManualCheck, Act::Refuse(503, "no GPU left".to_owned()));
    let pending = host.call("a").await;
    director.call("a").await.answer(Answer::ok().asking()).await;
    let id = pending.response().await.header("x-fal-request-id").unwrap().to_owned();
    let asked = format!("the response to POST /call with the id {id}, from 127.0.0.1");
    let failed = host.stderr.line("health check failed: unhealthy runner=1").await;
    assert!(failed.contains(&format!("requested_by={asked}")), "{failed}");
    host.stderr.line("TERMINATED runner=1 reason=manual_check_failed").await;
    let text = explained(&host, 1).await;
    assert!(text.contains(&format!("That check was asked for by {asked}. [S85f]")), "{text}");
    let ended = details(&host, 1).await;
    let requested_by = &ended["checks"].as_array().unwrap().last().unwrap()["requested_by"];
    let request = json!({ "by": "response", "method": "POST", "path": "/call", "request_id": id, "client": "127.0.0.1" });
    assert_eq!(requested_by, &request);
}

#[tokio::test]
async fn a_runner_that_lives_shows_what_it_uses_s85b_s85d() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    let live = details(&host, 1).await;
    assert_eq!((&live["state"], &live["pid"]), (&"RUNNING".into(), &call.pid().into()));
    for field in ["memory_bytes", "peak_memory_bytes", "open_files"] {
        assert!(live[field].as_u64().unwrap() > 0, "{field} in {live}");
    }
    assert!(live["cpu_seconds"].is_f64() && live["started_at"].is_f64(), "{live}");
    let text = explained(&host, 1).await;
    assert!(
        text.contains("is RUNNING") && text.contains("1 request in flight") && text.contains("healthy"),
        "{text}"
    );
    call.succeed().await;
    pending.response().await;
}

#[tokio::test]
async fn a_runner_that_another_process_kills_is_not_said_to_be_out_of_memory_s85c() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let pid = details(&host, 1).await["pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    host.stderr.line("TERMINATED runner=1 reason=exited").await;
    let ended = details(&host, 1).await;
    assert_eq!(ended["exit"], serde_json::json!({ "signal": 9 }));
    assert!(ended.get("oom_killed").is_none() && ended.get("core_dumped").is_none(), "{ended}");
    let text = explained(&host, 1).await;
    assert!(text.contains("The host did not send that signal"), "{text}");
    assert!(text.contains("No request was lost with it.") && text.contains("memory.events"), "{text}");
}

#[tokio::test]
async fn a_runner_that_is_killed_names_the_requests_that_were_lost_s39c_s85e() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let pending = host.call("a").await;
    let pid = director.call("a").await.pid();
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(pending.response().await.error_type(), "runner_disconnected");
    host.stderr.line("TERMINATED runner=1 reason=exited").await;
    let ended = details(&host, 1).await;
    let lost = &ended["lost_requests"][0];
    assert_eq!((&lost["method"], &lost["path"]), (&"POST".into(), &"/call".into()), "{ended}");
    let text = explained(&host, 1).await;
    assert!(text.contains("Requests were lost with it: POST /call with the id "), "{text}");
}

#[tokio::test]
async fn a_setup_that_fails_is_explained_with_its_error_while_the_next_start_waits_s35d_s85d() {
    let director = Director::new();
    director.answer(Kind::Setup, Act::Fail("no model".to_owned()));
    let host = Program::run(&director, &["--app", "scripted", "--give-up-after", "never"]);
    host.stderr.line("CRASH_BACKOFF: starts fail, so this one waits runner=5").await;
    let text = explained(&host, 4).await;
    assert!(text.contains("ended: setup_failed") && text.contains("no model"), "{text}");
    let waiting = details(&host, 5).await;
    assert_eq!(waiting["backoff"]["failed_starts"], 4);
    let text = explained(&host, 5).await;
    assert!(
        text.contains("is CRASH_BACKOFF") && text.contains("The last 4 starts of replica 0 failed"),
        "{text}"
    );
    assert!(text.contains("runner 4, which ended as `setup_failed`"), "{text}");
}

#[tokio::test]
async fn what_a_runner_prints_can_be_followed_until_it_ends_s85a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut client = Client::tcp(host.admin().await).await;
    client.send(&Request::get("/runners/1/logs?follow=true")).await;
    assert_eq!(client.head().await.status, 200);
    let pending = host.call("a").await;
    director.call("a").await.answer(Answer::panic()).await;
    assert_eq!(pending.response().await.status, 500);
    let mut printed = String::new();
    while !printed.contains("told to panic") {
        printed.push_str(&String::from_utf8(client.chunk().await).unwrap());
    }
    director.answer_of(1, Kind::Check, Answer::fail());
    while !client.chunk().await.is_empty() {}
    let all = host.shows("/runners/1/logs").await;
    assert!(String::from_utf8(all.body).unwrap().contains("told to panic"));
}

#[tokio::test]
async fn a_runner_that_the_host_does_not_know_is_told_with_what_there_is() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    for path in ["/runners/77", "/runners/x/explain", "/runners/0/logs"] {
        let response = host.shows(path).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.json()["detail"].as_str().unwrap().contains("/runners"));
    }
}
