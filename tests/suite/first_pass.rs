//! The first pass admits a runner: S44.

use fal_host::{Reason, RunnerState};
use fal_tests::Answer;
use rustix::process::Signal;

use crate::harness::*;

#[tokio::test]
async fn a_request_waits_until_its_runner_has_passed_a_check_s44a_s44b() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start(&director, app(health().start_period_seconds(3600))).await;
    let pending = host.call("a").await;
    for nth in 1..=3 {
        director.next(Kind::Check).await.answer(Answer::fail()).await;
        host.checked(1, nth).await;
    }
    let check = director.next(Kind::Check).await;
    let info = host.info(1).await.unwrap();
    assert_eq!((info.state, info.awaits_first_pass), (RunnerState::Setup, true));
    assert_eq!(director.count(Kind::Call), 0, "it takes no request");
    check.succeed().await;
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.runner(), 1);
    host.ready(1).await;
    assert!(!host.info(1).await.unwrap().awaits_first_pass);
}

#[tokio::test]
async fn crashes_after_a_pass_delay_no_start_s34_s35c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    for runner in 1..=6 {
        host.ready(runner).await;
        Process::new(host.started(runner).await.0).signal(Signal::KILL);
        assert_eq!(host.ended(runner).await.reason, Reason::Exited);
        assert!(!host.was_held(runner + 1));
    }
    host.ready(7).await;
}

#[tokio::test]
async fn a_runner_that_fails_every_check_after_its_start_period_is_replaced_before_it_serves_s44c() {
    let director = Director::new();
    director.answer_of(1, Kind::Check, Answer::fail());
    let host = TestHost::start(&director, app(health())).await;
    let pending = host.call("a").await;
    assert_eq!(host.ended(1).await.reason, Reason::Unhealthy);
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.runner(), 2);
}

#[tokio::test]
async fn with_admit_ready_a_runner_serves_before_its_first_pass_s44d() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = Program::run(&director, &["--app", "scripted", "--admit", "ready"]);
    let pending = host.call("a").await;
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
}

#[tokio::test]
async fn the_admin_interface_and_the_log_say_that_a_runner_waits_for_its_first_pass_s44b() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = Program::run(&director, &["--app", "scripted"]);
    let check = director.next(Kind::Check).await;
    host.stderr.line("SETUP: ready, waits for its first passed check runner=1").await;
    let runner = &host.shows("/runners").await.json()["runners"][0];
    assert_eq!((&runner["state"], &runner["awaits_first_pass"]), (&"SETUP".into(), &true.into()));
    assert_eq!(host.shows("/readyz").await.status, 503);
    check.succeed().await;
    host.stderr.line("IDLE: takes requests runner=1").await;
    let runner = &host.shows("/runners").await.json()["runners"][0];
    assert_eq!((&runner["state"], runner.get("awaits_first_pass")), (&"IDLE".into(), None));
}
