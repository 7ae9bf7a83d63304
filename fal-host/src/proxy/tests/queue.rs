//! Slots and the queue, as clients see them (S38).

use std::time::Duration;

use tracing::Level;

use super::log::Log;
use super::overdue::tick_through;
use super::rig::limits;
use super::{Rig, until};
use crate::proxy::error::ProxyError;
use crate::proxy::queue::QueuePosition;
use crate::proxy::wait_cause::WaitCause;
use crate::proxy::{Balancer, Limits, Origins, Reports};

#[tokio::test]
async fn requests_above_the_slots_wait_and_are_served_in_order_s38d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut first = rig.get("/1").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.start, "GET /1 HTTP/1.1");
    let mut waiting = Vec::new();
    for number in 2..=4 {
        waiting.push(rig.get(&format!("/{number}")).await);
        until(|| rig.balancer.waiting() == number - 1).await;
    }
    connection.answer("1").await;
    assert_eq!(first.message().await.body, "1");
    for (number, mut client) in (2..).zip(waiting) {
        let request = connection.message().await;
        assert_eq!(request.start, format!("GET /{number} HTTP/1.1"), "and over the connection that was kept");
        connection.answer("ok").await;
        client.message().await;
    }
}

#[tokio::test]
async fn a_request_that_finds_no_runner_waits_for_one() {
    let mut rig = Rig::new().await;
    let mut client = rig.get("/").await;
    until(|| rig.balancer.waiting() == 1).await;
    let runner = rig.runner();
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("late").await;
    assert_eq!(client.message().await.body, "late");
}

#[tokio::test]
async fn a_runner_with_several_slots_serves_as_many_requests_at_once_s38a() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let _clients = [rig.get("/").await, rig.get("/").await, rig.get("/").await];
    let mut one = runner.accept().await;
    let mut other = runner.accept().await;
    one.message().await;
    other.message().await;
    until(|| rig.balancer.waiting() == 1).await;
    assert_eq!(rig.balancer.in_flight(runner.id), 2);
    one.answer("free").await;
    one.message().await;
}

#[tokio::test]
async fn the_access_log_has_the_time_in_the_queue_of_an_upload_that_breaks_off_there_s83b() {
    let (log, _guard) = Log::start(Level::INFO);
    let rig = Rig::with(Limits { access_log: true, ..limits() }).await;
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe").await;
    until(|| rig.balancer.waiting() == 1).await;
    tick_through(Duration::from_secs(5)).await;
    client.send("llo!!").await;
    assert_eq!(client.message().await.status(), 400);
    let lines = log.lines();
    let access = lines.iter().find(|line| line.contains("duration_ms=")).expect("it is logged");
    assert!(access.contains(" queue_ms=5"), "{access}");
}

#[tokio::test]
async fn a_full_queue_refuses_the_next_request_s38d_s38f() {
    let mut rig = Rig::with(Limits { queue: 1, ..limits() }).await;
    let runner = rig.runner();
    let _served = rig.get("/").await;
    until(|| rig.balancer.in_flight(runner.id) == 1).await;
    let _waits = rig.get("/").await;
    until(|| rig.balancer.waiting() == 1).await;
    let refused = rig.get("/").await.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (503, "queue_full"));
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn an_error_of_the_host_can_be_read_by_the_pages_that_may_call_the_app_s38f() {
    let ask = async |origins: &[&str], origin: &str| {
        let origins: Vec<_> = origins.iter().map(ToString::to_string).collect();
        let rig = Rig::with(Limits { queue: 0, origins: Origins::new(&origins), ..limits() }).await;
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: test\r\n{origin}\r\n")).await;
        let refused = client.message().await;
        assert_eq!((refused.status(), refused.error_type().as_str()), (503, "queue_full"));
        ["access-control-allow-origin", "access-control-allow-credentials", "vary"]
            .map(|name| refused.header(name).map(str::to_owned))
    };
    let [one, other] = ["https://one.example", "https://other.example"];
    let from = |origin: &str| format!("origin: {origin}\r\n");
    let some = |value: &str| Some(value.to_owned());
    assert_eq!(ask(&["*"], &from(one)).await, [some("*"), None, None]);
    assert_eq!(ask(&[other, one], &from(one)).await, [some(one), some("true"), some("origin")]);
    // A cache that has this is not to give it to a page that may read.
    assert_eq!(ask(&[other], &from(one)).await, [None, None, some("origin")]);
    assert_eq!(ask(&[other], "").await, [None, None, some("origin")]);
    assert_eq!(ask(&[], &from(one)).await, [None, None, None], "everybody gets the same");
}

#[tokio::test]
async fn the_preflight_of_a_page_that_may_call_the_app_needs_no_runner_s38a() {
    let origins = Origins::new(&["https://one.example".to_owned()]);
    let rig = Rig::with(Limits { queue: 0, origins, ..limits() }).await;
    let ask = async |method: &str, origin: &str, asks: &str| {
        let mut client = rig.client().await;
        client.send(&format!("{method} / HTTP/1.1\r\nhost: test\r\norigin: {origin}\r\n{asks}\r\n")).await;
        client.message().await
    };
    let asks = "access-control-request-method: POST\r\n";
    let answered = ask("OPTIONS", "https://one.example", asks).await;
    assert_eq!(answered.status(), 200);
    assert_eq!(answered.header("access-control-allow-origin"), Some("https://one.example"));
    for (method, origin, asks) in [
        ("OPTIONS", "https://other.example", asks),
        ("OPTIONS", "https://one.example", ""),
        ("POST", "https://one.example", asks),
    ] {
        assert_eq!(ask(method, origin, asks).await.error_type(), "queue_full", "{method} {origin} {asks}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_makes_room_and_reaches_no_runner() {
    let mut rig = Rig::with(Limits { queue: 1, ..limits() }).await;
    let leaves = rig.get("/leaves").await;
    until(|| rig.balancer.waiting() == 1).await;
    drop(leaves);
    until(|| rig.balancer.waiting() == 0).await;
    let _stays = rig.get("/stays").await;
    let runner = rig.runner();
    assert_eq!(runner.accept().await.message().await.start, "GET /stays HTTP/1.1");
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_is_noticed_whatever_it_has_sent_s43d() {
    let heads = [
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody",
        "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\n\r\nG",
    ];
    for head in heads {
        let rig = Rig::new().await;
        let mut client = rig.client().await;
        client.send(head).await;
        until(|| rig.balancer.waiting() == 1).await;
        drop(client);
        until(|| rig.balancer.waiting() == 0).await;
    }
}

#[tokio::test]
async fn a_client_that_has_closed_only_its_side_gets_its_response_s43d() {
    for version in ["1.0", "1.1"] {
        let mut rig = Rig::new().await;
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/{version}\r\nhost: a\r\n\r\n")).await;
        until(|| rig.balancer.waiting() == 1).await;
        client.close_side().await;
        // It is probed once, and stays.
        if version == "1.1" {
            assert_eq!(client.head().await.status(), 100);
        }
        let runner = rig.runner();
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nla").await;
        assert_eq!(client.head().await.status(), 200);
        connection.send("te").await;
        assert_eq!(client.exactly(4).await, "late");
        client.closed().await;
    }
}

/// A balancer of its own, without sockets: its time can be paused.
fn balancer(limits: Limits) -> std::sync::Arc<Balancer> {
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    Balancer::new(limits, Reports { asked: std::sync::Arc::default(), events })
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_too_long_is_answered_queue_timeout_s38f() {
    let after = Duration::from_secs(60);
    let balancer = balancer(Limits { queue_timeout: after, ..limits() });
    let began = tokio::time::Instant::now();
    let refusal = QueuePosition::default().acquire(&balancer).await.unwrap_err();
    assert_eq!(refusal, ProxyError::QueueTimeout { after, cause: WaitCause::NoRunner });
    assert_eq!((refusal.status().as_u16(), refusal.error_type().as_str()), (504, "queue_timeout"));
    assert_eq!(began.elapsed(), after);
    assert_eq!(balancer.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_moves_keeps_its_deadline_s39b() {
    let after = Duration::from_secs(60);
    let balancer = balancer(Limits { queue_timeout: after, queue: 0, ..limits() });
    let mut position = QueuePosition::default();
    let began = tokio::time::Instant::now();
    position.deadline(after);
    tokio::time::advance(Duration::from_secs(50)).await;
    position.move_on().unwrap();
    position.acquire(&balancer).await.unwrap_err();
    assert_eq!(began.elapsed(), after);
}

#[tokio::test]
async fn the_maximum_timeout_waits_forever() {
    let balancer = balancer(Limits { queue_timeout: Duration::MAX, ..limits() });
    let mut position = QueuePosition::default();
    tokio::select! {
        biased;
        _ = position.acquire(&balancer) => panic!("there is no slot"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn clients_beyond_the_limit_wait_until_one_leaves() {
    let mut rig = Rig::with(Limits { clients: 2, max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let (second, _connection) = rig.request("/second", &runner).await;
    let (mut first, mut connection) = rig.request("/first", &runner).await;
    connection.answer("1").await;
    first.message().await;
    let mut third = rig.get("/third").await;
    for _ in 0..10 {
        first.get("/first").await;
        assert_eq!(connection.message().await.start, "GET /first HTTP/1.1");
        connection.answer("1").await;
        first.message().await;
    }
    drop(second);
    assert_eq!(connection.message().await.start, "GET /third HTTP/1.1");
    connection.answer("3").await;
    assert_eq!(third.message().await.body, "3");
}
