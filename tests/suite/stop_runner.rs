//! Responses that ask for the stop of their runner: S58.

use fal_health::HealthCheck;
use fal_host::{Exit, Reason};
use fal_tests::{Act, Answer};

use crate::harness::*;

/// Starts a host, and has its first runner ask for its stop by this answer, while another request is in flight. Returns
/// that other request.
async fn stop_the_first(
    director: &Director,
    host: &TestHost,
    answer: Answer,
    status: u16,
) -> (Held, Pending) {
    let other = host.call("other").await;
    let in_flight = director.call("other").await;
    let asking = host.call("asks").await;
    director.call("asks").await.answer(answer).await;
    let response = asking.response().await;
    assert_eq!((response.status, response.header(STOPS)), (status, None));
    (in_flight, other)
}

#[tokio::test]
async fn a_runner_that_asks_is_drained_and_its_successor_starts_at_once_without_a_check_s58a_s58b() {
    for (answer, status) in
        [(Answer::ok(), 200), (Answer::fail(), 500), (Answer::panic(), 500), (Act::Status(404).into(), 404)]
    {
        let director = Director::new();
        let host = TestHost::start(&director, app(on_request())).await;
        let (in_flight, other) = stop_the_first(&director, &host, answer.stopping(), status).await;
        assert_eq!(host.draining(1).await, Reason::Requested);
        assert_eq!(host.served(&director, "next").await.runner(), 2);
        assert!(!host.has_ended(1), "its request is in flight");
        in_flight.succeed().await;
        assert_eq!(other.response().await.runner(), 1);
        let record = host.ended(1).await;
        assert_eq!((record.reason, record.exit), (Reason::Requested, Some(Exit::Status(0))));
        assert_eq!(director.count(Kind::ManualCheck), 0);
    }
}

#[tokio::test]
async fn no_bound_defers_it_and_a_request_that_asks_for_both_gets_no_check_s58b() {
    let director = Director::new();
    let strict = |builder: fal_host::HostBuilder| {
        builder.runners(3.try_into().unwrap()).max_replacing(1.try_into().unwrap())
    };
    let host = TestHost::start_with(&director, app(health()), strict).await;
    for runner in 1..=3 {
        host.ready(runner).await;
    }
    for name in ["a", "b", "c"] {
        let asking = host.call(name).await;
        director.call(name).await.answer(Answer::ok().stopping().asking()).await;
        asking.response().await;
    }
    for runner in 1..=3 {
        assert_eq!(host.ended(runner).await.reason, Reason::Requested);
    }
    assert_eq!(director.count(Kind::ManualCheck), 0);
}

#[tokio::test]
async fn a_client_cannot_ask_and_neither_can_the_health_endpoint_s58a() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    let asking = host.send(&Request::call("a").header(STOPS, "true")).await;
    let call = director.call("a").await;
    assert_eq!(call.header(STOPS), None);
    call.succeed().await;
    assert_eq!(asking.response().await.header(STOPS), None);
    director.answer(Kind::Check, Answer::ok().stopping());
    assert_eq!(host.exchange(&Request::get("/health")).await.header(STOPS), None);
    let seen = host.checks(1).len();
    host.checked(1, seen + 3).await;
    assert_eq!(host.served(&director, "b").await.runner(), 1);
}

#[tokio::test]
async fn a_runner_that_asks_before_it_is_stable_has_failed_to_start_s58c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(HealthCheck::new().call_regularly(false))).await;
    for runner in 1..=2 {
        let asking = host.call("a").await;
        director.call("a").await.answer(Answer::ok().stopping()).await;
        assert_eq!(asking.response().await.runner(), runner);
    }
    assert_eq!(host.held(3).await.1, 2, "two starts have failed in a row");
}
