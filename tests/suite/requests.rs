//! Permits, the queue and lost requests: S14, S29, S38, S39.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use fal_host::Reason;
use fal_tests::Act;
use rustix::process::Signal;

use crate::harness::*;

#[tokio::test]
async fn a_runner_serves_at_most_max_multiplexing_requests_at_a_time_s38a() {
    let director = Director::new();
    let host = TestHost::start(&director, serving_at_a_time(3, on_request())).await;
    let mut pending = Vec::new();
    for number in 0..9 {
        pending.push(host.call(&number.to_string()).await);
    }
    for answered in 0..9 {
        let call = director.next(Kind::Call).await;
        director.asked_times((answered + 3).min(9), 1, Kind::Call).await;
        host.settle().await;
        assert_eq!(director.count(Kind::Call), (answered + 3).min(9));
        call.succeed().await;
    }
    for pending in pending {
        assert_eq!(pending.response().await.runner(), 1);
    }
}

#[tokio::test]
async fn a_clients_call_of_the_health_path_waits_for_a_permit_s14d() {
    let director = Director::new();
    let host = TestHost::start(&director, serving_at_a_time(1, on_request())).await;
    let pending = host.call("first").await;
    let call = director.call("first").await;
    let health = host.send(&Request::get("/health")).await;
    host.settle().await;
    assert_eq!(director.count(Kind::HealthCall), 0);
    call.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    assert_eq!(health.response().await.status, 200);
    assert_eq!(director.count(Kind::HealthCall), 1);
}

#[tokio::test]
async fn a_runner_too_holds_to_its_limit_and_requests_above_it_wait_there_s38a_s38c() {
    let director = Director::new();
    let three = NonZeroU32::new(3).unwrap();
    let app = blocking_app(on_request()).max_multiplexing(three);
    let host = TestHost::start(&director, app).await;
    let pending = [host.call("a").await, host.call("b").await, host.call("c").await];
    let first = director.next(Kind::Call).await;
    host.settle().await;
    assert_eq!(host.info(1).await.unwrap().in_flight, 3);
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Call), 1);
    first.succeed().await;
    for served in 2..=3 {
        let next = director.next(Kind::Call).await;
        assert_eq!(director.count(Kind::Call), served);
        next.succeed().await;
    }
    for pending in pending {
        assert_eq!(pending.response().await.runner(), 1);
    }
}

#[tokio::test]
async fn requests_that_wait_are_served_first_come_first_served_s38d() {
    let director = Director::new();
    let host = TestHost::start(&director, serving_at_a_time(1, on_request())).await;
    let mut pending = Vec::new();
    for number in 0..6 {
        pending.push(host.call(&number.to_string()).await);
        host.settle().await;
    }
    for number in 0..6 {
        let call = director.next(Kind::Call).await;
        assert_eq!(call.name(), number.to_string());
        call.succeed().await;
    }
    for pending in pending {
        assert_eq!(pending.response().await.status, 200);
    }
}

#[tokio::test]
async fn the_runner_with_the_fewest_requests_gets_the_next_and_then_the_one_longest_idle_s38e() {
    let director = Director::new();
    let two = NonZeroUsize::new(2).unwrap();
    let host = TestHost::start_with(&director, app(on_request()), |builder| builder.runners(two)).await;
    host.ready(1).await;
    host.ready(2).await;
    let (a, b) = (host.call("a").await, host.call("b").await);
    let (call_a, call_b) = (director.call("a").await, director.call("b").await);
    let (runner_a, runner_b) = (call_a.runner(), call_b.runner());
    assert_ne!(runner_a, runner_b);
    call_b.succeed().await;
    b.response().await;
    assert_eq!(host.served(&director, "c").await.runner(), runner_b, "it has nothing in flight");
    call_a.succeed().await;
    a.response().await;
    assert_eq!(host.served(&director, "d").await.runner(), runner_b, "it has been idle longer");
    assert_eq!(host.served(&director, "e").await.runner(), runner_a);
}

#[tokio::test]
async fn a_request_that_finds_the_queue_full_is_refused_as_queue_full_s38d_s38f() {
    let director = Director::new();
    let app = serving_at_a_time(1, on_request());
    let host = TestHost::start_with(&director, app, |builder| builder.queue(1)).await;
    let served = host.call("served").await;
    let call = director.call("served").await;
    let waiting = host.call("waits").await;
    host.settle().await;
    let refused = host.exchange(&Request::call("refused")).await;
    assert_eq!((refused.status, refused.error_type().as_str()), (503, "queue_full"));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    assert!(refused.json()["detail"].is_string());
    assert!(refused.header("x-fal-request-id").is_some());
    call.succeed().await;
    director.call("waits").await.succeed().await;
    assert_eq!(served.response().await.status, 200);
    assert_eq!(waiting.response().await.status, 200);
    assert_eq!(director.count(Kind::Call), 2);
}

#[tokio::test]
async fn a_request_that_waits_too_long_is_answered_queue_timeout_s38f() {
    let director = Director::new();
    let app = serving_at_a_time(1, on_request());
    let timeout = Duration::from_millis(100);
    let host = TestHost::start_with(&director, app, |builder| builder.queue_timeout(timeout)).await;
    host.ready(1).await;
    let served = host.call("served").await;
    let call = director.call("served").await;
    let late = host.exchange(&Request::call("late")).await;
    assert_eq!((late.status, late.error_type().as_str()), (504, "queue_timeout"));
    call.succeed().await;
    assert_eq!(served.response().await.status, 200);
    assert_eq!(director.count(Kind::Call), 1);
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_is_forgotten_s38d() {
    let director = Director::new();
    let app = serving_at_a_time(1, on_request());
    let host = TestHost::start_with(&director, app, |builder| builder.queue(1)).await;
    let served = host.call("served").await;
    let call = director.call("served").await;
    let leaving = host.call("leaves").await;
    host.settle().await;
    leaving.leave().await;
    host.settle().await;
    let staying = host.call("stays").await;
    host.settle().await;
    call.succeed().await;
    director.call("stays").await.succeed().await;
    assert_eq!(staying.response().await.status, 200);
    served.response().await;
    assert_eq!(director.count(Kind::Call), 2);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_an_async_call_and_frees_its_place_s38b() {
    let director = Director::new();
    let host = TestHost::start(&director, serving_at_a_time(1, on_request())).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    pending.leave().await;
    call.abandoned().await;
    assert_eq!(host.served(&director, "b").await.runner(), 1);
}

#[tokio::test]
async fn a_blocking_call_keeps_its_place_until_it_returns_though_its_client_has_left_s38b() {
    let director = Director::new();
    let host = TestHost::start(&director, blocking_app(on_request())).await;
    let pending = host.call("a").await;
    let call = director.call("a").await;
    pending.leave().await;
    let waiting = host.call("b").await;
    host.settle().await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Call), 1);
    assert_eq!(host.info(1).await.unwrap().in_flight, 1);
    call.succeed().await;
    director.call("b").await.succeed().await;
    assert_eq!(waiting.response().await.runner(), 1);
}

#[tokio::test]
async fn a_request_that_was_sent_and_lost_is_answered_runner_disconnected_and_not_sent_again_s39a_s39c() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    let pending = host.call("lost").await;
    director.call("lost").await.answer(Act::Abort).await;
    let response = pending.response().await;
    assert_eq!((response.status, response.error_type().as_str()), (503, "runner_disconnected"));
    // A request to a process that is just ending is also lost.
    host.ended(1).await;
    assert_eq!(host.served(&director, "next").await.runner(), 2);
    assert_eq!(director.count(Kind::Call), 2);
}

#[tokio::test]
async fn a_request_that_no_runner_could_be_given_moves_to_the_next_and_the_first_is_unreachable_s39b_s39e() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    host.ready(1).await;
    let listen = director.asked()[0].listen.clone();
    std::fs::remove_file(Path::new(listen.strip_prefix("unix:").unwrap())).unwrap();
    assert_eq!(host.served(&director, "moves").await.runner(), 2);
    assert_eq!(host.ended(1).await.reason, Reason::Unreachable);
    assert_eq!(director.count(Kind::Call), 1);
}

#[tokio::test]
async fn a_loss_after_the_head_of_a_response_ends_the_clients_connection_s39d() {
    let director = Director::new();
    director.hold(Kind::Piece);
    let host = TestHost::start(&director, app(on_request())).await;
    let mut client = Client::tcp(host.address()).await;
    client.send(&Request::new("POST", "/stream")).await;
    let call = director.call("stream").await;
    let pid = call.pid();
    call.succeed().await;
    assert_eq!(client.head().await.status, 200);
    director.next(Kind::Piece).await.succeed().await;
    assert_eq!(client.chunk().await, b"piece\n");
    Process::new(pid).signal(Signal::KILL);
    let rest = client.rest().await;
    assert!(rest.is_empty(), "no end of the body is made up: {:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn a_streaming_response_keeps_its_place_until_it_has_ended_s38a() {
    let director = Director::new();
    director.hold(Kind::Piece);
    let host = TestHost::start(&director, serving_at_a_time(1, on_request())).await;
    let mut client = Client::tcp(host.address()).await;
    client.send(&Request::new("POST", "/stream")).await;
    director.call("stream").await.succeed().await;
    client.head().await;
    let waiting = host.call("waits").await;
    host.settle().await;
    checks_elsewhere().await;
    assert_eq!(director.count(Kind::Call), 1);
    director.next(Kind::Piece).await.answer(Act::End).await;
    assert_eq!(client.chunk().await, b"");
    director.call("waits").await.succeed().await;
    assert_eq!(waiting.response().await.runner(), 1);
}

#[tokio::test]
async fn a_request_and_its_response_have_one_id_the_clients_own_if_it_gave_one() {
    let director = Director::new();
    let host = TestHost::start(&director, app(on_request())).await;
    let given = host.send(&Request::call("given").header("X-Fal-Request-Id", "mine-1")).await;
    let made = host.call("made").await;
    for (name, pending) in [("given", given), ("made", made)] {
        let call = director.call(name).await;
        let id = call.header("x-fal-request-id").unwrap().to_owned();
        assert_eq!(call.header("x-forwarded-for"), Some("127.0.0.1"));
        call.succeed().await;
        assert_eq!(pending.response().await.header("x-fal-request-id"), Some(id.as_str()));
        assert_eq!(id == "mine-1", name == "given");
    }
}
