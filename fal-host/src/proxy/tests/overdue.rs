//! Requests that their runner does not begin to answer in time (S38).

use std::os::fd::AsFd;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::rig::limits;
use super::{Rig, settle, until};
use crate::connect::Stream;
use crate::proxy::abandoned::abandon;
use crate::proxy::queue::QueuePosition;
use crate::proxy::send_queue::unsent;
use crate::proxy::timer::TickClock;
use crate::proxy::{Limits, ManualChecks};

/// Longer than anything here takes, unless a test lets it pass.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

async fn rig() -> Rig {
    Rig::with(Limits { request_timeout: Some(LIMIT), ..limits() }).await
}

/// Lets twice the limit pass, tick by tick.
pub(super) async fn too_long() {
    tick_through(LIMIT * 2).await;
}

/// Lets a time pass, tick by tick.
pub(super) async fn tick_through(time: Duration) {
    tick_each(TickClock::LONGEST_TICK, time).await;
}

/// Lets a time pass, by ticks of this length.
pub(super) async fn tick_each(tick: Duration, time: Duration) {
    tokio::time::pause();
    for _ in 0..time.as_millis() / tick.as_millis() {
        // A timer is late by up to a millisecond.
        tokio::time::advance(tick + Duration::from_millis(2)).await;
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_ends_with_504_and_its_runner_is_checked_s38f_s85f() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    too_long().await;
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (504, "request_timeout"));
    connection.closed().await;
    assert_eq!(rig.balancer.take_asked(), [runner.id]);
    assert_eq!(rig.balancer.in_flight(runner.id), 1, "the call may still run");

    client.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.waiting(), 1, "the check has the runner to itself (S30)");
    let by = rig.balancer.manual_check_started(runner.id).unwrap().to_string();
    assert!(by.starts_with("the host itself, because of GET / with the id "), "{by} (S85f)");
    assert_eq!(rig.balancer.manual_check_started(runner.id), None, "the next try has the same cause");
    rig.balancer.manual_check_ended(runner.id);
    let mut next = runner.accept().await;
    assert_eq!(next.message().await.start, "GET /next HTTP/1.1");
    next.answer("in time").await;
    assert_eq!(client.message().await.body, "in time");
}

#[tokio::test]
async fn a_response_that_has_begun_may_take_any_time() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await;
    client.head().await;
    too_long().await;
    connection.send("k").await;
    assert_eq!(client.exactly(2).await, "ok");
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn the_time_in_the_queue_does_not_count() {
    let mut rig = Rig::with(Limits { request_timeout: Some(LIMIT / 2), ..limits() }).await;
    let mut client = rig.get("/").await;
    until(|| rig.balancer.waiting() == 1).await;
    too_long().await;
    let runner = rig.runner();
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}

#[tokio::test]
async fn a_client_that_lets_the_health_endpoint_take_too_long_causes_no_check_s5() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let (mut client, _connection) = rig.request("/health", &runner).await;
    too_long().await;
    assert_eq!(client.message().await.status(), 504);
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn without_a_health_check_a_request_still_has_its_limit() {
    let limits = Limits { request_timeout: Some(LIMIT), manual_checks: ManualChecks::Ignored, ..limits() };
    let mut rig = Rig::with(limits).await;
    let runner = rig.runner();
    let (mut client, connection) = rig.request("/", &runner).await;
    too_long().await;
    assert_eq!(client.message().await.error_type(), "request_timeout");
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    let _next = rig.get("/next").await;
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1", "no slot is held");
}

#[tokio::test]
async fn a_host_that_stops_goes_on_to_limit_what_is_in_flight_s41b() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let (mut client, _connection) = rig.request("/", &runner).await;
    rig.balancer.stop();
    rig.stop_server();
    too_long().await;
    assert_eq!(client.message().await.status(), 504);
    rig.server_ended().await;
}

#[tokio::test]
async fn without_a_limit_a_request_may_take_any_time() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    too_long().await;
    connection.answer("late").await;
    assert_eq!(client.message().await.body, "late");
}

#[tokio::test]
async fn an_overdue_request_stays_overdue_when_its_half_close_is_acknowledged_s53a() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let mut permit = QueuePosition::default().acquire(&rig.balancer).await.unwrap();
    permit.mark_used();
    permit.mark_overdue();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let socket = stream.as_fd().try_clone_to_owned().unwrap();
    let abandoned = tokio::spawn(abandon(permit, Stream::Tcp(stream), Some(LIMIT)));
    let _hung = listener.accept().await.unwrap();
    settle().await;
    // The system acknowledges it after some time.
    until(|| unsent(&socket) == 0).await;
    tick_through(LIMIT / 2).await;
    assert!(rig.balancer.is_wedged(runner.id));
    abandoned.abort();
}
