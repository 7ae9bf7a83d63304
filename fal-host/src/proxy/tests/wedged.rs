//! Requests that hold every permit of a runner that does not begin to answer them (S53a).

use std::time::Duration;

use super::overdue::{LIMIT, tick_through, too_long};
use super::rig::limits;
use super::{Rig, until};
use crate::proxy::Limits;

async fn with_request_timeout() -> Rig {
    Rig::with(Limits { request_timeout: Some(LIMIT), max_multiplexing: 2, ..limits() }).await
}

/// Requests that wait as long as their clients do.
async fn with_wedged_after() -> Rig {
    Rig::with(Limits { wedged_after: Some(LIMIT), max_multiplexing: 2, ..limits() }).await
}

#[tokio::test]
async fn a_runner_is_wedged_while_overdue_requests_hold_all_of_its_permits_s53a() {
    for mut rig in [with_request_timeout().await, with_wedged_after().await] {
        let runner = rig.runner();
        let (_one, _other) = (rig.get("/").await, rig.get("/").await);
        let (mut first, mut second) = (runner.accept().await, runner.accept().await);
        first.message().await;
        second.message().await;
        tick_through(LIMIT / 2).await;
        assert!(!rig.balancer.is_wedged(runner.id), "the limit has not passed");
        too_long().await;
        until(|| rig.balancer.is_wedged(runner.id)).await;
        drop(first);
        until(|| !rig.balancer.is_wedged(runner.id)).await;
    }
}

#[tokio::test]
async fn a_runner_with_one_permit_that_is_not_overdue_is_not_wedged_s53a() {
    let mut rig = with_wedged_after().await;
    let runner = rig.runner();
    let (_stuck, _connection) = rig.request("/", &runner).await;
    too_long().await;
    assert!(!rig.balancer.is_wedged(runner.id), "one permit is free");
    // The stream has begun, so it may take any time.
    let (mut client, mut stream) = rig.request("/", &runner).await;
    stream.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await;
    client.head().await;
    too_long().await;
    assert!(!rig.balancer.is_wedged(runner.id));
}

#[tokio::test]
async fn an_upload_that_is_not_complete_is_not_overdue_s53a() {
    let mut rig = with_wedged_after().await;
    let runner = rig.runner();
    let _stuck = rig.get("/").await;
    runner.accept().await.message().await;
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n").await;
    let mut upload = runner.accept().await;
    upload.head().await;
    too_long().await;
    assert!(!rig.balancer.is_wedged(runner.id), "the runner does not have the whole request");
}

#[tokio::test]
async fn an_answer_that_comes_at_last_ends_it_and_reaches_its_client_s53a() {
    let mut rig = Rig::with(Limits { wedged_after: Some(LIMIT), ..limits() }).await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    too_long().await;
    assert!(rig.balancer.is_wedged(runner.id));
    connection.answer("late").await;
    assert_eq!(client.message().await.body, "late");
    assert!(!rig.balancer.is_wedged(runner.id));
}

#[tokio::test]
async fn a_call_whose_client_has_left_is_overdue_after_the_same_time_s53a() {
    let mut rig = Rig::with(Limits { request_timeout: Some(LIMIT), ..limits() }).await;
    let runner = rig.runner();
    let (client, mut connection) = rig.request("/", &runner).await;
    drop(client);
    connection.closed().await;
    assert!(!rig.balancer.is_wedged(runner.id));
    tokio::time::pause();
    tokio::time::advance(LIMIT + Duration::from_millis(2)).await;
    tokio::time::resume();
    until(|| rig.balancer.is_wedged(runner.id)).await;
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(!rig.balancer.is_wedged(runner.id));
}
