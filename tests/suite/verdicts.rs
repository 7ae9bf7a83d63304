//! The verdict, and the four parameters of the health check: S3, S4, S8–S10, S22–S24.

use std::num::NonZeroUsize;
use std::time::Duration;

use fal_health::{CheckEffect, CheckRecord, Failure, Outcome, Verdict};
use fal_host::{Reason, RunnerState};
use fal_tests::Answer;

use crate::harness::*;

#[tokio::test]
async fn three_failures_in_a_row_replace_a_runner_s24() {
    let director = Director::new();
    director.hold_of(1, Kind::Check);
    let host = TestHost::start(&director, app(health())).await;
    for streak in 1..=3 {
        director.next_of(1, Kind::Check).await.answer(Answer::fail()).await;
        assert_eq!(
            host.checked(1, usize::try_from(streak).unwrap()).await.effect,
            CheckEffect::Counted { streak }
        );
    }
    assert_eq!(host.terminating(1).await, Reason::Unhealthy);
    assert_eq!(host.ended(1).await.reason, Reason::Unhealthy);
    assert_eq!(host.served(&director, "a").await.runner(), 2);
    assert_eq!(director.count_of(1, Kind::Check), 3);
}

#[tokio::test]
async fn two_failures_do_not_and_a_pass_between_starts_over_s22_s24() {
    let director = Director::new();
    director.hold_of(1, Kind::Check);
    let host = TestHost::start(&director, app(health())).await;
    for (nth, sign) in (1..).zip("ffpffpfpff".chars()) {
        let answer = if sign == 'p' { Answer::ok() } else { Answer::fail() };
        director.next_of(1, Kind::Check).await.answer(answer).await;
        host.checked(1, nth).await;
    }
    let health = host.info(1).await.unwrap().health.unwrap();
    assert_eq!((health.verdict, health.streak), (Verdict::Failing { streak: 2 }, 2));
    director.next_of(1, Kind::Check).await.answer(Answer::fail()).await;
    assert_eq!(host.terminating(1).await, Reason::Unhealthy);
}

#[tokio::test]
async fn after_a_failure_a_confirm_interval_makes_the_verdict_follow_before_the_next_tick_s55a() {
    let interval = Duration::from_secs(3);
    let director = Director::new();
    let host = TestHost::start_with(&director, app(health()), |builder| {
        builder.check_interval(interval).confirm_interval(INTERVAL)
    })
    .await;
    host.passed(1).await;
    director.answer_of(1, Kind::Check, Answer::fail());
    assert_eq!(host.terminating(1).await, Reason::Unhealthy);
    let checks = host.ended(1).await.checks;
    let failed: Vec<_> = checks.iter().filter(|check| check.outcome != Outcome::Pass).collect();
    assert_eq!(failed.len(), 3);
    assert!(failed[2].started.since(failed[0].started) < interval, "{checks:?}");
}

#[tokio::test]
async fn failure_threshold_is_how_many_failures_it_takes_s3_s24() {
    for threshold in [1, 4] {
        let director = Director::new();
        director.answer_of(1, Kind::Check, Answer::fail());
        let host = TestHost::start(&director, app(health().failure_threshold(threshold))).await;
        let failures = host.ended(1).await.checks;
        assert_eq!(failures.len(), usize::try_from(threshold).unwrap());
        let streak = threshold;
        assert_eq!(failures.last().unwrap().effect, CheckEffect::Counted { streak });
    }
}

#[tokio::test]
async fn call_regularly_decides_whether_there_are_periodic_checks_s3() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health().call_regularly(false))).await;
    host.ready(1).await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Check), 0);
    let health = host.info(1).await.unwrap().health.unwrap();
    assert_eq!(health.verdict, Verdict::Unknown);
    assert!(health.last_check.is_none());
}

#[tokio::test]
async fn failures_inside_the_start_period_are_shown_and_ignored_however_many_s23() {
    let director = Director::new();
    director.answer(Kind::Check, Answer::fail());
    let config = health().start_period_seconds(3600).failure_threshold(1);
    let host = TestHost::start_admitting_ready(&director, app(config)).await;
    for nth in 1..=5 {
        assert_eq!(host.checked(1, nth).await.effect, CheckEffect::Ignored);
    }
    let info = host.info(1).await.unwrap();
    assert_eq!(info.state, RunnerState::Idle);
    let health = info.health.unwrap();
    assert_eq!((health.verdict, health.streak), (Verdict::Unknown, 0));
    assert_eq!(health.last_check.unwrap().outcome, Outcome::Failure(Failure::Status(500)));
}

#[tokio::test]
async fn a_failure_counts_if_the_runner_is_as_old_as_its_own_start_period_when_it_is_known_s7_s9_s10() {
    let period = Duration::from_secs(1);
    let director = Director::new();
    director.answer(Kind::Check, Answer::fail());
    let config = health().start_period_seconds(1).failure_threshold(1);
    let host = TestHost::start(&director, app(config)).await;
    for runner in [1, 2] {
        let started = host.ended(runner).await.started;
        let checks = host.checks(runner);
        let age = |check: &CheckRecord| (check.started + check.duration).since(started);
        let (last, before) = checks.split_last().unwrap();
        assert_eq!(last.effect, CheckEffect::Counted { streak: 1 });
        assert!(age(last) >= period, "runner {runner}: {:?}", age(last));
        for check in before {
            assert_eq!(check.effect, CheckEffect::Ignored);
            assert!(age(check) < period, "runner {runner}: {:?}", age(check));
        }
    }
}

#[tokio::test]
async fn a_declared_startup_timeout_raises_the_start_period_and_the_host_says_so_s8() {
    let hour = Duration::from_secs(3600);
    let director = Director::new();
    director.answer(Kind::Check, Answer::fail());
    let app = app(health().failure_threshold(1)).startup_timeout(hour);
    let host = TestHost::start(&director, app).await;
    assert_eq!(host.started(1).await.1, Some(hour));
    for nth in 1..=3 {
        assert_eq!(host.checked(1, nth).await.effect, CheckEffect::Ignored);
    }
    assert_eq!(host.info(1).await.unwrap().health.unwrap().effective_start_period, hour);
}

#[tokio::test]
async fn a_startup_timeout_that_is_shorter_or_not_declared_changes_nothing_s8() {
    for startup_timeout in [None, Some(Duration::from_secs(600))] {
        let director = Director::new();
        let app = app(health().start_period_seconds(700)).startup_timeout(startup_timeout);
        let host = TestHost::start(&director, app).await;
        assert_eq!(host.started(1).await.1, Some(Duration::from_secs(700)));
    }
}

#[tokio::test]
async fn a_timeout_of_more_seconds_waits_for_a_slow_answer_s3_s17() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start(&director, app(health().timeout_seconds(60).failure_threshold(1))).await;
    let slow = director.next(Kind::Check).await;
    checks_elsewhere().await;
    slow.succeed().await;
    let check = host.checked(1, 1).await;
    assert_eq!(check.effect, CheckEffect::Passed);
}

#[tokio::test]
async fn a_failing_runner_gets_requests_only_when_the_others_are_busy_until_it_passes_s38g() {
    let director = Director::new();
    let two = NonZeroUsize::new(2).unwrap();
    let app = serving_at_a_time(2, health().failure_threshold(1_000_000));
    let host = TestHost::start_with(&director, app, |builder| builder.runners(two)).await;
    for runner in [1, 2] {
        host.ready(runner).await;
    }
    director.answer_of(1, Kind::Check, Answer::fail());
    host.checked_again(1, |outcome| matches!(outcome, Outcome::Failure(_))).await;
    let mut in_flight = Vec::new();
    for (name, runner) in [("a", 2), ("b", 2), ("c", 1)] {
        let pending = host.call(name).await;
        let call = director.call(name).await;
        assert_eq!(call.runner(), runner, "{name}");
        in_flight.push((pending, call));
    }
    let (pending, call) = in_flight.remove(0);
    call.succeed().await;
    pending.response().await;
    director.answer_of(1, Kind::Check, Answer::ok());
    host.checked_again(1, |outcome| outcome == Outcome::Pass).await;
    // Each has one request in flight now, and 1 has been idle for longer.
    let _pending = host.call("d").await;
    assert_eq!(director.call("d").await.runner(), 1);
}
