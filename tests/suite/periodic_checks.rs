//! Periodic checks, and one check: S5, S6, S11, S13–S19.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{CheckEffect, CheckRecord, Failure, Outcome, Schedule, Trigger, Verdict};
use fal_host::{AppSpec, Reason, RunnerState};
use fal_tests::{Act, Answer};

use crate::harness::*;

#[tokio::test]
async fn a_check_is_an_empty_post_of_the_declared_path_with_a_request_id_of_its_own_s16() {
    let director = Director::new();
    director.hold(Kind::Check);
    let _host = TestHost::start(&director, app(health())).await;
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        let check = director.next(Kind::Check).await;
        assert_eq!(check.head().method, "POST");
        assert_eq!(check.header(ASKS), None, "it is periodic");
        assert_eq!(check.header("content-length").unwrap_or("0"), "0");
        assert_eq!(check.header("transfer-encoding"), None);
        ids.insert(check.header("x-fal-request-id").unwrap().to_owned());
        check.succeed().await;
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn checks_run_from_readiness_on_and_not_during_setup_s11() {
    let director = Director::new();
    director.hold_of(2, Kind::Setup);
    let two = NonZeroUsize::new(2).unwrap();
    let host = TestHost::start_with(&director, app(health()), |builder| builder.runners(two)).await;
    let setup = director.next_of(2, Kind::Setup).await;
    host.checked(1, 10).await;
    assert_eq!(host.checks(2).len(), 0);

    setup.succeed().await;
    let after = host.awaiting_first_pass(2).await;
    let first = host.checked(2, 1).await;
    host.stop().await;
    assert!(first.started >= host.ended(2).await.started + after);
}

#[tokio::test]
async fn every_check_starts_at_or_after_another_tick_of_its_runners_own_schedule_s12a() {
    let director = Director::new();
    let two = NonZeroUsize::new(2).unwrap();
    let host = TestHost::start_with(&director, app(health()), |builder| builder.runners(two)).await;
    for runner in [1, 2] {
        host.checked(runner, 10).await;
        let schedule = Schedule::new(INTERVAL, runner);
        for pair in host.checks(runner).windows(2) {
            assert!(pair[1].started >= schedule.next_after(pair[0].started), "{pair:?}");
        }
    }
}

#[tokio::test]
async fn a_draining_runner_is_not_checked_and_its_check_in_flight_is_dropped_s11_s21b() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    director.hold(Kind::Check);
    let check = director.next(Kind::Check).await;
    let (made, concluded) = (director.count(Kind::Check), host.checks(1).len());

    host.handle.shutdown();
    host.draining(1).await;
    check.abandoned().await;
    checks_elsewhere().await;
    assert_eq!(host.info(1).await.unwrap().state, RunnerState::Draining);
    call.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    host.ended(1).await;
    assert_eq!((director.count(Kind::Check), host.checks(1).len()), (made, concluded));
}

#[tokio::test]
async fn a_tick_that_finds_a_check_in_flight_is_skipped_s13a() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start(&director, app(health())).await;
    let check = director.next(Kind::Check).await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Check), 1);
    check.succeed().await;
    let second = director.next(Kind::Check).await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Check), 2, "ticks that were missed are not caught up");
    second.succeed().await;
    host.checked(1, 2).await;
}

#[tokio::test]
async fn a_blocking_health_function_that_outlives_its_deadline_fails_further_checks_and_is_not_called_again_s13b()
 {
    let director = Director::new();
    director.hold_of(1, Kind::Check);
    // The fixture declares the timeout.
    let app = blocking_app(health().timeout_seconds(1)).termination_grace_period(Duration::from_secs(1));
    let host = TestHost::start(&director, app).await;
    let stuck = director.next_of(1, Kind::Check).await;
    let outcomes = conclusive(&host.ended(1).await.checks);
    let [first, Failure::Status(503), Failure::Status(503)] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    // On a busy machine the timeout may be inconclusive.
    assert!([Failure::Timeout, Failure::Status(503)].contains(first));
    assert_eq!(director.count_of(1, Kind::Check), 1);
    drop(stuck);
}

#[tokio::test]
async fn a_runner_whose_every_place_is_taken_by_blocking_calls_still_passes_checks_s14a_s14b() {
    let director = Director::new();
    let host = TestHost::start(&director, blocking_app(health().failure_threshold(1))).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    let before = host.checks(1).len();
    for nth in 1..=5 {
        assert_eq!(host.checked(1, before + nth).await.outcome, Outcome::Pass);
    }
    let info = host.info(1).await.unwrap();
    assert_eq!((info.state, info.in_flight), (RunnerState::Running, 1));
    call.succeed().await;
    assert_eq!(pending.response().await.runner(), 1);
}

#[tokio::test]
async fn a_check_in_flight_is_no_request_in_flight_s14a() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start_admitting_ready(&director, serving_at_a_time(1, health())).await;
    let check = director.next(Kind::Check).await;
    let info = host.info(1).await.unwrap();
    assert_eq!((info.state, info.in_flight), (RunnerState::Idle, 0));
    assert_eq!(host.served(&director, "a").await.runner(), 1, "it takes no slot");
    check.succeed().await;
}

#[tokio::test]
async fn any_other_status_than_2xx_is_a_failure_with_that_status_and_no_redirect_is_followed_s16_s17_s18a() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start(&director, app(health().failure_threshold(100))).await;
    let answers = [
        (Answer::ok(), Outcome::Pass),
        (Act::Status(204).into(), Outcome::Pass),
        (Act::Status(307).into(), Outcome::Failure(Failure::Status(307))),
        (Act::Status(404).into(), Outcome::Failure(Failure::Status(404))),
        (Answer::fail(), Outcome::Failure(Failure::Status(500))),
        (Answer::panic(), Outcome::Failure(Failure::Status(500))),
    ];
    for (nth, (answer, outcome)) in (1..).zip(answers) {
        director.next(Kind::Check).await.answer(answer).await;
        let check = host.checked(1, nth).await;
        assert_eq!((check.trigger, check.outcome), (Trigger::Periodic, outcome));
    }
}

#[tokio::test]
async fn a_hung_health_endpoint_times_out_and_the_next_check_is_made_s18a_s19b() {
    for seconds in [1, 2] {
        let director = Director::new();
        director.hold(Kind::Check);
        let config = health().timeout_seconds(seconds).failure_threshold(100);
        let host = TestHost::start(&director, app(config)).await;
        let hung = director.next(Kind::Check).await;
        let check = host.concluded(1).await;
        assert_eq!(check.outcome, Outcome::Failure(Failure::Timeout));
        assert_eq!(check.effect, CheckEffect::Counted { streak: 1 });
        assert!(check.duration >= Duration::from_secs(seconds.into()), "{:?}", check.duration);
        hung.abandoned().await;

        director.answer(Kind::Check, Answer::ok());
        assert_eq!(host.passed(1).await.effect, CheckEffect::Passed);
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_permanently_makes_its_runner_unhealthy_s19b_s24() {
    let director = Director::new();
    director.hold_of(1, Kind::Check);
    let host = TestHost::start(&director, app(health().timeout_seconds(1).failure_threshold(2))).await;
    assert_eq!(host.terminating(1).await, Reason::Unhealthy);
    assert_eq!(conclusive(&host.checks(1)), [Failure::Timeout; 2]);
    host.ready(2).await;
}

/// The failures of conclusive checks (S20).
fn conclusive(checks: &[CheckRecord]) -> Vec<Failure> {
    let failure = |check: &CheckRecord| match check.outcome {
        Outcome::Failure(failure) => failure,
        outcome => panic!("{outcome:?}"),
    };
    checks.iter().filter(|check| is_conclusive(check)).map(failure).collect()
}

#[tokio::test]
async fn a_clients_call_of_the_health_path_changes_no_verdict_s5() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health().failure_threshold(1))).await;
    host.checked(1, 1).await;
    director.answer(Kind::HealthCall, Answer::fail());
    for method in ["GET", "POST"] {
        assert_eq!(host.exchange(&Request::new(method, "/health")).await.status, 500, "{method}");
    }
    director.answer(Kind::HealthCall, Answer::ok());
    for method in ["GET", "POST"] {
        assert_eq!(host.exchange(&Request::new(method, "/health")).await.status, 200, "{method}");
    }
    assert_eq!(director.count(Kind::HealthCall), 4);
    let before = host.checks(1).len();
    host.checked(1, before + 2).await;
    let info = host.info(1).await.unwrap();
    assert_eq!(info.health.unwrap().verdict, Verdict::Healthy);
}

#[tokio::test]
async fn other_endpoints_answer_post_only_s5() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    let response = host.exchange(&Request::get("/call")).await;
    assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
    assert!(response.json()["detail"].is_string());
}

#[tokio::test]
async fn an_app_without_an_endpoint_there_answers_its_version_at_health_and_is_not_checked_by_it_s6() {
    let director = Director::new();
    let host = TestHost::start(&director, AppSpec::new("bare")).await;
    let response = host.exchange(&Request::get("/health")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.json()["version"], env!("CARGO_PKG_VERSION"));
    checks_elsewhere().await;
    assert_eq!(host.checks(1).len(), 0);
    assert!(host.info(1).await.unwrap().health.is_none());
}
