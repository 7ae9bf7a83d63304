//! Connections that switch protocols (S45).

use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tracing::Level;

use super::log::Log;
use super::overdue::{tick_through, too_long};
use super::rig::{FakeRunner, limits};
use super::{Peer, Rig, settle, until, within};
use crate::proxy::{Limits, Report};

pub(super) const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\r\n";
pub(super) const SWITCH: &str =
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

/// A runner and both ends of a tunnel to it.
async fn tunnel(rig: &mut Rig) -> (FakeRunner, Peer<TcpStream>, Peer<UnixStream>) {
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(SWITCH).await;
    assert_eq!(client.head().await.status(), 101);
    (runner, client, connection)
}

/// The line of the log about the end of a tunnel.
fn end_of_tunnel(log: &Log) -> String {
    let ends = |line: &String| line.contains("a connection that had switched protocols has ended");
    log.lines().into_iter().find(ends).unwrap()
}

#[tokio::test]
async fn a_tunnel_whose_client_does_not_read_ends_after_the_client_timeout_s43a_s45i() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::with(Limits { client_timeout: Duration::from_secs(60), ..limits() }).await;
    let (runner, _client, mut connection) = tunnel(&mut rig).await;
    let sending = tokio::spawn(async move {
        let bytes = "x".repeat(1_000_000);
        while connection.send_at_last(&bytes).await.is_ok() {}
    });
    settle().await;
    tick_through(Duration::from_secs(40)).await;
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
    too_long().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    sending.await.unwrap();
    let end = end_of_tunnel(&log);
    assert!(end.contains("within 60s (`--client-timeout`)"), "{end}");
}

#[tokio::test]
async fn a_tunnel_whose_client_does_not_read_makes_room_for_a_request_that_waits_s43i_s45i() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::new().await;
    let (runner, _client, mut connection) = tunnel(&mut rig).await;
    let sending = tokio::spawn(async move {
        let bytes = "x".repeat(1_000_000);
        while connection.send_at_last(&bytes).await.is_ok() {}
    });
    settle().await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    tick_through(Duration::from_secs(15)).await;
    sending.await.unwrap();
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1");
    let end = end_of_tunnel(&log);
    assert!(end.contains("less than 8 KiB a second while other requests waited"), "{end}");
}

#[tokio::test]
async fn a_tunnel_whose_client_has_left_ends_although_its_runner_does_not_read_s43d_s45i() {
    let mut rig = Rig::new().await;
    let (runner, mut client, _connection) = tunnel(&mut rig).await;
    let bytes = "x".repeat(50_000_000);
    tokio::select! {
        biased;
        sent = client.send_at_last(&bytes) => sent.unwrap(),
        () = settle() => {}
    }
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
    client.reset();
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn a_tunnel_whose_client_has_closed_its_side_makes_room_for_a_request_that_waits_s43d_s45i() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::new().await;
    let (runner, mut client, mut connection) = tunnel(&mut rig).await;
    client.close_side().await;
    // Without a request that waits, the runner may send at any time.
    tick_through(Duration::from_secs(60)).await;
    connection.send("late").await;
    assert_eq!(client.exactly(4).await, "late");
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    for _ in 0..10 {
        tick_through(Duration::from_secs(1)).await;
        connection.send("x").await;
        assert_eq!(client.exactly(1).await, "x", "it gets something");
    }
    tick_through(Duration::from_secs(7)).await;
    connection.closed().await;
    drop(connection);
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1");
    let end = end_of_tunnel(&log);
    assert!(end.contains("while other requests waited") && end.contains("max_multiplexing"), "{end}");
}

#[tokio::test]
async fn a_tunnel_whose_client_has_closed_its_side_makes_room_although_its_runner_does_not_read_s43d_s45i() {
    let mut rig = Rig::new().await;
    let (runner, mut client, connection) = tunnel(&mut rig).await;
    // The end arrives behind bytes that the host cannot pass on.
    client.send_until_blocked(&connection, 8 * 1024).await;
    client.close_side().await;
    until(|| client.has_delivered()).await;
    settle().await;
    tick_through(Duration::from_secs(60)).await;
    assert_eq!(rig.balancer.in_flight(runner.id), 1, "no request waits");
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    tick_through(Duration::from_secs(3)).await;
    assert_eq!(rig.balancer.waiting(), 1);
    tick_through(Duration::from_secs(4)).await;
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1");
}

#[tokio::test]
async fn an_upload_of_a_client_that_has_closed_its_side_goes_on_while_its_runner_reads_slowly_s43d_s45i() {
    let mut rig = Rig::new().await;
    let (_runner, mut client, mut connection) = tunnel(&mut rig).await;
    let sent = client.send_until_blocked(&connection, 8 * 1024).await;
    client.close_side().await;
    until(|| client.has_delivered()).await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    // For most of this time the system does not let the host write more.
    for _ in 0..20 {
        tick_through(Duration::from_secs(1)).await;
        connection.read_only(sent / 25).await;
    }
    connection.read_only(sent - sent / 25 * 20).await;
    connection.send("received").await;
    assert_eq!(client.exactly(8).await, "received");
}

#[tokio::test]
async fn a_client_gets_what_its_runner_has_sent_before_it_closed_its_tunnel_although_the_client_sends_s45i() {
    const PART: usize = 4_000;
    let mut rig = Rig::new().await;
    let (runner, mut client, mut connection) = tunnel(&mut rig).await;
    let mut sent = 0;
    let part = "x".repeat(PART);
    loop {
        tokio::select! {
            biased;
            part = connection.send_at_last(&part) => part.unwrap(),
            // A part of this one may have been sent.
            () = settle() => break,
        }
        sent += PART;
    }
    drop(connection);
    client.send("late").await;
    settle().await;
    let received = client.rest().await.len();
    assert!((sent..sent + PART).contains(&received), "{received} of {sent} bytes");
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn the_end_of_a_tunnel_is_logged_s45i() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::new().await;
    let (runner, client, mut connection) = tunnel(&mut rig).await;
    drop(client);
    connection.closed().await;
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(!end_of_tunnel(&log).contains("error"));
}

#[tokio::test]
async fn a_drain_waits_for_a_tunnel_until_its_runner_ends_s33d_s45i() {
    let mut rig = Rig::new().await;
    let (runner, mut client, mut connection) = tunnel(&mut rig).await;
    rig.balancer.remove(runner.id);
    rig.stop_server();
    client.send("still").await;
    assert_eq!(connection.exactly(5).await, "still");
    assert!(rig.has_no_report());
    // What SIGTERM does at the end of the drain timeout.
    drop((runner, connection));
    assert!(matches!(rig.report().await, Report::Drained(_)));
    client.closed().await;
    drop(client);
    rig.server_ended().await;
}
