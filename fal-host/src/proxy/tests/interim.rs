//! Interim responses (S45).

use super::overdue::tick_through;
use super::{Rig, until};

use std::time::Duration;

const EXPECTS: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";

#[tokio::test]
async fn interim_responses_pass_before_the_response_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection
        .send("HTTP/1.1 103 Early Hints\r\nlink: x\r\nconnection: x-hop\r\nx-hop: 1\r\nx-fal-runner-health-check: 1\r\ncontent-length: 9\r\n\
               transfer-encoding: chunked\r\n\r\n")
        .await;
    let hints = client.head().await;
    assert_eq!((hints.start.as_str(), hints.header("link")), ("HTTP/1.1 103 Early Hints", Some("x")));
    for name in ["connection", "x-hop", "x-fal-runner-health-check", "content-length", "transfer-encoding"] {
        assert_eq!(hints.header(name), None, "{name}");
    }
    connection.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(client.head().await.status(), 102);
    assert_eq!(client.message().await.body, "ok");
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(rig.balancer.take_asked().is_empty(), "an interim response does not ask");
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_no_interim_response_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(client.message().await.status(), 200);
}

#[tokio::test]
async fn a_body_that_is_expected_follows_when_the_runner_says_so_s45h() {
    let mut rig = Rig::new().await;
    let mut client = rig.client().await;
    client.send(EXPECTS).await;
    let runner = rig.runner();
    let mut connection = runner.accept().await;
    assert_eq!(connection.head().await.header("expect"), Some("100-continue"));
    connection.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(client.head().await.status(), 100);
    client.send("hi").await;
    assert_eq!(connection.exactly(2).await, "hi");
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}

#[tokio::test]
async fn a_body_that_the_runner_refuses_is_not_asked_for_s45h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(EXPECTS).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.send("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await;
    let refused = client.message().await;
    assert_eq!((refused.status(), refused.header("connection")), (413, Some("close")));
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    client.closed().await;
}

#[tokio::test]
async fn a_runner_that_knows_no_expectations_gets_the_body_after_a_second_s45h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(EXPECTS).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    tick_through(Duration::from_secs(3)).await;
    assert_eq!(client.head().await.status(), 100);
    client.send("hi").await;
    assert_eq!(connection.exactly(2).await, "hi");
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}

#[tokio::test]
async fn a_flood_of_interim_responses_is_a_malformed_response_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(&"HTTP/1.1 103 E\r\n\r\n".repeat(1001)).await;
    assert_eq!(client.message().await.error_type(), "runner_disconnected");
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn as_many_interim_responses_as_allowed_precede_each_response_of_a_connection_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.get("/").await;
    let mut connection = runner.accept().await;
    for _ in 0..2 {
        connection.message().await;
        connection.send(&"HTTP/1.1 102 Processing\r\n\r\n".repeat(1000)).await;
        connection.answer("ok").await;
        let mut interim = 0;
        let last = loop {
            match client.head().await {
                head if head.status() == 102 => interim += 1,
                head => break head,
            }
        };
        assert_eq!((last.status(), interim), (200, 1000));
        assert_eq!(client.exactly(2).await, "ok");
        client.get("/").await;
    }
}

#[tokio::test]
async fn interim_responses_that_a_client_does_not_read_are_dropped_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    let hints = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(60_000));
    for _ in 0..900 {
        connection.send(&hints).await;
    }
    connection.answer("ok").await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    let mut passed = 0;
    while client.head().await.status() == 103 {
        passed += 1;
    }
    assert_eq!(client.exactly(2).await, "ok");
    // The system takes some megabytes of them. All of them are 54 MB.
    assert!(passed < 450, "{passed} of 900");
}
