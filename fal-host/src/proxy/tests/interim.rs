//! Interim responses, and connections that switch protocols (S45).

use super::overdue::{tick_through, too_long};
use super::{Rig, until, within};

use std::time::Duration;

const EXPECTS: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";

#[tokio::test]
async fn interim_responses_pass_before_the_response_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
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

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-own: 1\r\n\r\n";

#[tokio::test]
async fn a_connection_that_switches_protocols_is_a_tunnel_that_holds_its_permit_s45i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    let request = connection.message().await;
    assert_eq!(
        (request.header("connection"), request.header("upgrade")),
        (Some("upgrade"), Some("websocket"))
    );
    connection.send(&format!("{SWITCH}first")).await;
    let switched = client.head().await;
    assert_eq!(
        (switched.status(), switched.header("upgrade"), switched.header("x-own")),
        (101, Some("websocket"), Some("1"))
    );
    assert_eq!(client.exactly(5).await, "first");
    for round in 0..3 {
        client.send(&format!("ping{round}")).await;
        assert_eq!(connection.exactly(5).await, format!("ping{round}"));
        connection.send(&format!("pong{round}")).await;
        assert_eq!(client.exactly(5).await, format!("pong{round}"));
    }
    tick_through(Duration::from_secs(700)).await;
    client.send("still").await;
    assert_eq!(connection.exactly(5).await, "still");
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
    drop(client);
    connection.closed().await;
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn a_response_that_switches_protocols_can_ask_for_a_check_s27a_s28c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(&SWITCH.replace("x-own", "x-fal-runner-health-check")).await;
    assert_eq!(client.head().await.header("x-fal-runner-health-check"), None);
    within(rig.asked.notified()).await;
    assert_eq!(rig.balancer.take_asked(), [runner.id]);
}

#[tokio::test]
async fn a_runner_that_ends_closes_its_tunnels_s45i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(SWITCH).await;
    assert_eq!(client.head().await.status(), 101);
    drop(connection);
    client.closed().await;
}

#[tokio::test]
async fn a_tunnel_whose_runner_has_closed_it_releases_its_permit_although_its_client_is_silent_s45i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(&format!("{SWITCH}last")).await;
    connection.close_side().await;
    assert_eq!(client.head().await.status(), 101);
    assert_eq!(client.exactly(4).await, "last");
    client.closed().await;
    client.send("late").await;
    assert_eq!(connection.exactly(4).await, "late", "the client has a short time to finish");
    too_long().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    connection.closed().await;
}

#[tokio::test]
async fn an_upgrade_that_the_runner_does_not_make_is_an_ordinary_request_s45i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("no").await;
    assert_eq!(client.message().await.body, "no");
    client.get("/next").await;
    assert_eq!(connection.message().await.start, "GET /next HTTP/1.1");
}

#[tokio::test]
async fn an_upgrade_to_h2c_or_with_a_body_is_not_forwarded_s45i() {
    for head in [
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: a\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let mut client = rig.client().await;
        client.send(head).await;
        let mut connection = runner.accept().await;
        let request = connection.message().await;
        for name in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(request.header(name), None, "{name}");
        }
        connection.send(SWITCH).await;
        let refused = client.message().await;
        assert_eq!((refused.status(), refused.error_type().as_str()), (503, "runner_disconnected"));
    }
}
