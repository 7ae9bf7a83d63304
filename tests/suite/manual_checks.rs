//! Manual checks: S16, S21, S22, S25, S27–S32.

use fal_health::{CheckEffect, Failure, Outcome, Trigger, Verdict};
use fal_host::Reason;
use fal_tests::{Act, Answer};

use crate::harness::*;

#[tokio::test]
async fn a_failed_manual_check_ends_the_runner_at_once_whatever_its_age_and_streak_s25() {
    for regularly in [true, false] {
        let director = Director::new();
        director.answer(Kind::ManualCheck, Answer::fail());
        let config = health().start_period_seconds(3600).failure_threshold(100).call_regularly(regularly);
        let host = TestHost::start(&director, app(config)).await;
        let pending = host.call("a").await;
        director.call("a").await.answer(Answer::ok().asking()).await;
        assert_eq!(pending.response().await.runner(), 1);
        assert_eq!(host.terminating(1).await, Reason::ManualCheckFailed);
        let record = host.ended(1).await;
        assert_eq!(record.reason, Reason::ManualCheckFailed);
        let last = record.checks.last().unwrap();
        assert_eq!((last.trigger, last.effect), (Trigger::Manual, CheckEffect::ManualFailure));
        assert_eq!(host.served(&director, "b").await.runner(), 2);
    }
}

#[tokio::test]
async fn a_passed_manual_check_keeps_the_runner_and_ends_a_streak_s22_s32a() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start_admitting_ready(&director, app(health().failure_threshold(100))).await;
    for nth in 1..=2 {
        director.next(Kind::Check).await.answer(Answer::fail()).await;
        host.checked(1, nth).await;
    }
    let third = director.next(Kind::Check).await;
    let pending = host.call("a").await;
    director.call("a").await.answer(Answer::ok().asking()).await;
    pending.response().await;
    third.answer(Answer::fail()).await;
    assert_eq!(host.checked_on_request(1, 1).await.effect, CheckEffect::Passed);
    let health = host.info(1).await.unwrap().health.unwrap();
    assert_eq!((health.verdict, health.streak), (Verdict::Healthy, 0));
}

#[tokio::test]
async fn the_check_says_that_it_is_manual_and_the_caller_has_its_response_first_s16_s29a() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let host = TestHost::start(&director, app(on_request())).await;
    let pending = host.call("a").await;
    director.call("a").await.answer(Answer::ok().asking()).await;
    let check = director.next(Kind::ManualCheck).await;
    assert_eq!(check.header(ASKS), Some("true"));
    assert_eq!(check.head().method, "POST");
    let response = pending.response().await;
    assert_eq!((response.runner(), response.json()["name"].as_str()), (1, Some("a")));
    assert_eq!(response.header(ASKS), None);
    assert_eq!(host.checks(1).len(), 0, "the check still runs");
    check.succeed().await;
    host.checked(1, 1).await;
}

#[tokio::test]
async fn with_one_place_a_manual_check_has_the_runner_to_itself_s30() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let app = serving_at_a_time(1, on_request());
    let host = TestHost::start_with(&director, app, |builder| builder.queue(1)).await;
    let asking = host.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    assert_eq!(asking.response().await.status, 200);
    let check = director.next(Kind::ManualCheck).await;

    // One of these waits, and then the queue is full for the other.
    let mut others = vec![host.call("b").await, host.call("c").await];
    let (refused, response) = Pending::first(&mut others).await;
    assert_eq!(response.error_type(), "queue_full");
    assert_eq!(director.count(Kind::Call), 1);
    check.succeed().await;
    director.call(["c", "b"][refused]).await.succeed().await;
    assert_eq!(others.pop().unwrap().response().await.runner(), 1);
}

#[tokio::test]
async fn a_manual_check_holds_the_place_of_the_request_that_asked_and_no_other_s30() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let app = serving_at_a_time(2, on_request());
    let host = TestHost::start_with(&director, app, |builder| builder.queue(0)).await;
    host.ready(1).await;
    let asking = host.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    assert_eq!(asking.response().await.status, 200);
    let check = director.next(Kind::ManualCheck).await;
    let other = host.call("other").await;
    let call = director.call("other").await;
    assert_eq!(host.exchange(&Request::call("third")).await.error_type(), "queue_full");
    check.succeed().await;
    host.checked(1, 1).await;
    assert_eq!(host.served(&director, "fourth").await.runner(), 1);
    call.succeed().await;
    assert_eq!(other.response().await.runner(), 1);
}

#[tokio::test]
async fn a_manual_check_that_hangs_has_failed_s18a_s25() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let host = TestHost::start(&director, app(on_request().timeout_seconds(1))).await;
    let asking = host.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    asking.response().await;
    let check = director.next(Kind::ManualCheck).await;
    assert_eq!(host.terminating(1).await, Reason::ManualCheckFailed);
    check.abandoned().await;
    let last = host.ended(1).await.checks.pop().unwrap();
    assert_eq!(last.outcome, Outcome::Failure(Failure::Timeout));
}

#[tokio::test]
async fn a_request_that_waits_for_the_permit_of_a_failed_check_is_served_by_the_replacement_s30_s33a() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let app = serving_at_a_time(1, on_request());
    let host = TestHost::start(&director, app).await;
    let asking = host.call("asks").await;
    director.call("asks").await.answer(Answer::ok().asking()).await;
    asking.response().await;
    let check = director.next(Kind::ManualCheck).await;
    let waiting = host.call("waits").await;
    host.settle().await;
    check.answer(Answer::fail()).await;
    director.call("waits").await.succeed().await;
    assert_eq!(waiting.response().await.runner(), 2);
}

#[tokio::test]
async fn a_hundred_requests_that_ask_at_once_cost_at_most_two_checks_s31b_s31c() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let host = TestHost::start(&director, app(on_request())).await;
    let mut pending = Vec::new();
    let mut calls = Vec::new();
    for number in 0..100 {
        pending.push(host.call(&number.to_string()).await);
    }
    for number in 0..100 {
        calls.push(director.call(&number.to_string()).await);
    }
    for call in calls {
        call.answer(Answer::ok().asking()).await;
    }
    for pending in pending {
        assert_eq!(pending.response().await.status, 200);
    }
    // All have asked by now. The first check answers the requests before it, a second one all others.
    director.next(Kind::ManualCheck).await.succeed().await;
    director.answer(Kind::ManualCheck, Answer::ok());
    host.checked(1, 1).await;
    checks_elsewhere().await;
    let made = director.count(Kind::ManualCheck);
    assert!((1..=2).contains(&made), "{made}");
    // Every permit has been released.
    let again = host.call("again").await;
    director.call("again").await.answer(Answer::ok().asking()).await;
    again.response().await;
    director.asked_times(made + 1, 1, Kind::ManualCheck).await;
}

#[tokio::test]
async fn a_request_for_a_check_while_one_runs_gets_a_later_check_s31c() {
    let director = Director::new();
    director.hold(Kind::ManualCheck);
    let host = TestHost::start(&director, app(on_request())).await;
    let ask = async |name: &str| {
        let pending = host.call(name).await;
        director.call(name).await.answer(Answer::ok().asking()).await;
        pending.response().await;
    };
    ask("a").await;
    let first = director.next(Kind::ManualCheck).await;
    ask("b").await;
    ask("c").await;
    first.succeed().await;
    let second = director.next(Kind::ManualCheck).await;
    second.answer(Answer::fail()).await;
    assert_eq!(host.terminating(1).await, Reason::ManualCheckFailed);
    assert_eq!(director.count(Kind::ManualCheck), 2);
}

#[tokio::test]
async fn a_periodic_check_in_flight_cannot_answer_a_request_for_one_s31a() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start_admitting_ready(&director, app(health())).await;
    let periodic = director.next(Kind::Check).await;
    let pending = host.call("a").await;
    director.call("a").await.answer(Answer::ok().asking()).await;
    pending.response().await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::ManualCheck), 0, "one check at a time");
    periodic.answer(Answer::fail()).await;
    assert_eq!(host.checked(1, 1).await.effect, CheckEffect::Counted { streak: 1 });
    host.checked_on_request(1, 1).await;
    assert_eq!(director.count(Kind::ManualCheck), 1);
}

#[tokio::test]
async fn the_values_0_and_false_do_not_ask_and_all_others_do_s27b_s28c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    let mut checks = 0;
    let values: [(&[&[u8]], bool); 10] = [
        (&[b"0"], false),
        (&[b"false"], false),
        (&[b"FALSE \t"], false),
        (&[b"0", b"false"], false),
        (&[b""], true),
        (&[b"true"], true),
        (&[b"no"], true),
        (&[b"00"], true),
        (&["\u{fc}".as_bytes()], true),
        (&[b"0", b"1"], true),
    ];
    for (values, asks) in values {
        let pending = host.call("a").await;
        director.call("a").await.answer(Answer::ok().asking_by(values)).await;
        let response = pending.response().await;
        assert_eq!((response.status, response.header(ASKS)), (200, None), "{values:?}");
        if asks {
            checks += 1;
            host.checked(1, checks).await;
        }
    }
    assert_eq!(director.count(Kind::ManualCheck), checks);
}

#[tokio::test]
async fn what_an_endpoint_asked_before_it_failed_or_panicked_is_asked_s27c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    for (nth, answer) in (1..).zip([Answer::fail(), Answer::panic(), Act::Status(404).into()]) {
        let pending = host.call("a").await;
        director.call("a").await.answer(answer.asking()).await;
        let response = pending.response().await;
        assert!(response.status >= 400);
        assert_eq!(response.header(ASKS), None);
        host.checked_on_request(1, nth).await;
    }
}

#[tokio::test]
async fn a_blocking_endpoint_asks_as_well_and_one_that_panics_s27c() {
    let director = Director::new();
    let host = TestHost::start(&director, blocking_app(on_request())).await;
    for (nth, answer) in (1..).zip([Answer::ok(), Answer::fail(), Answer::panic()]) {
        let pending = host.call("a").await;
        director.call("a").await.answer(answer.asking()).await;
        pending.response().await;
        host.checked_on_request(1, nth).await;
    }
}

#[tokio::test]
async fn a_clients_own_header_reaches_no_runner_and_causes_no_check_s28a() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    let pending = host.send(&Request::call("a").header("X-Fal-Runner-Health-Check", "true")).await;
    let call = director.call("a").await;
    assert_eq!(call.header(ASKS), None);
    call.succeed().await;
    assert_eq!(pending.response().await.header(ASKS), None);
    director.hold(Kind::HealthCall);
    let health = host.send(&Request::new("POST", "/health").header(ASKS, "true")).await;
    let call = director.next(Kind::HealthCall).await;
    assert_eq!(call.header(ASKS), None);
    call.succeed().await;
    assert_eq!(health.response().await.status, 200);
    checks_elsewhere().await;
    assert_eq!(host.checks(1).len(), 0);
}

#[tokio::test]
async fn the_health_endpoints_own_response_does_not_ask_s28b() {
    let director = Director::new();
    for kind in [Kind::Check, Kind::ManualCheck, Kind::HealthCall] {
        director.answer(kind, Answer::ok().asking());
    }
    let host = TestHost::start(&director, app(health())).await;
    let response = host.exchange(&Request::get("/health")).await;
    assert_eq!((response.status, response.header(ASKS)), (200, None));
    host.checked(1, 8).await;
    assert_eq!(director.count(Kind::ManualCheck), 0);
}

#[tokio::test]
async fn without_a_health_endpoint_the_header_is_removed_and_ignored_s32b() {
    let director = Director::new();
    let app = app(health()).health_check(None);
    let host = TestHost::start(&director, app).await;
    for name in ["a", "b"] {
        let pending = host.call(name).await;
        director.call(name).await.answer(Answer::ok().asking()).await;
        let response = pending.response().await;
        assert_eq!((response.status, response.header(ASKS)), (200, None));
    }
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Check) + director.count(Kind::ManualCheck), 0);
}

#[tokio::test]
async fn a_runner_that_is_not_in_service_cannot_ask_s32b() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    let (late, asking) = (host.call("late").await, host.call("asks").await);
    let call = director.call("late").await;
    director.answer(Kind::ManualCheck, Answer::fail());
    director.call("asks").await.answer(Answer::ok().asking()).await;
    asking.response().await;
    host.terminating(1).await;

    call.answer(Answer::ok().asking()).await;
    let response = late.response().await;
    assert_eq!((response.runner(), response.header(ASKS)), (1, None));
    host.ended(1).await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::ManualCheck), 1);
}

#[tokio::test]
async fn a_client_that_left_before_the_response_has_asked_for_nothing_s29c() {
    let director = Director::new();
    let host = TestHost::start(&director, blocking_app(on_request())).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    pending.leave().await;
    host.settle().await;
    call.answer(Answer::ok().asking()).await;
    assert_eq!(host.served(&director, "b").await.runner(), 1);
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::ManualCheck), 0);
}

#[tokio::test]
async fn a_streaming_response_asks_when_its_headers_arrive_s29b() {
    let director = Director::new();
    director.hold(Kind::Piece);
    let host = TestHost::start(&director, app(on_request())).await;
    let mut client = Client::tcp(host.address()).await;
    client.send(&Request::new("POST", "/stream")).await;
    director.call("stream").await.answer(Answer::ok().asking()).await;
    let head = client.head().await;
    assert_eq!((head.status, head.header(ASKS)), (200, None));
    host.checked_on_request(1, 1).await;
    director.next(Kind::Piece).await.succeed().await;
    assert_eq!(client.chunk().await, b"piece\n");
    director.next(Kind::Piece).await.answer(Act::End).await;
    assert_eq!(client.chunk().await, b"");
}

#[tokio::test]
async fn a_manual_check_that_still_waits_when_the_runner_starts_to_drain_is_dropped_s21b() {
    let director = Director::new();
    director.hold(Kind::Check);
    let host = TestHost::start_admitting_ready(&director, app(health())).await;
    let periodic = director.next(Kind::Check).await;
    let pending = host.call("a").await;
    director.call("a").await.answer(Answer::ok().asking()).await;
    pending.response().await;
    host.handle.shutdown();
    periodic.abandoned().await;
    host.ended(1).await;
    assert_eq!(director.count(Kind::ManualCheck), 0);
    assert_eq!(host.checks(1).len(), 0);
}
