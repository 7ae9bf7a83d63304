//! Runners that leave, and the host's own end (S33, S41).

use std::time::Duration;

use super::overdue::tick_through;
use super::rig::limits;
use super::{Peer, Rig, until};
use crate::proxy::{Limits, Report};

#[tokio::test]
async fn a_runner_that_leaves_finishes_its_requests_and_gets_no_new_ones_s33b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    rig.balancer.remove(runner.id);
    let mut next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    assert!(rig.has_no_report());
    connection.answer("last").await;
    assert_eq!(client.message().await.body, "last");
    assert_eq!(rig.report().await, Report::Drained(runner.id));
    connection.closed().await;

    let successor = rig.runner();
    let mut connection = successor.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(next.message().await.body, "ok");
}

#[tokio::test]
async fn a_runner_that_leaves_idle_is_drained_at_once_and_its_kept_connections_close() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("ok").await;
    client.message().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    rig.balancer.remove(runner.id);
    assert_eq!(rig.report().await, Report::Drained(runner.id));
    connection.closed().await;
}

#[tokio::test]
async fn a_removed_runner_causes_no_report() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, connection) = rig.request("/", &runner).await;
    rig.balancer.remove(runner.id);
    rig.balancer.forget(runner.id);
    assert_eq!(rig.balancer.in_flight(runner.id), 0);
    drop(connection);
    assert_eq!(client.message().await.error_type(), "runner_disconnected");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_host_that_stops_refuses_waiting_and_new_requests_and_finishes_those_in_flight_s41b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut served, mut connection) = rig.request("/", &runner).await;
    let mut comes = rig.client().await;
    let mut waits = rig.get("/").await;
    until(|| rig.balancer.waiting() == 1).await;
    rig.balancer.stop();
    let refused = waits.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (503, "host_stopping"));
    comes.get("/").await;
    assert_eq!(comes.message().await.error_type(), "host_stopping");

    rig.stop_server();
    comes.closed().await;
    waits.closed().await;
    connection.answer("last").await;
    let last = served.message().await;
    assert_eq!(last.body, "last");
    assert_eq!(last.header("connection"), Some("close"));
    served.closed().await;
    rig.server_ended().await;
}

#[tokio::test]
async fn a_client_that_has_sent_no_whole_head_is_no_request_in_flight_when_the_host_stops_s41b() {
    let mut rig = Rig::new().await;
    let mut silent = rig.client().await;
    let mut begins = rig.client().await;
    begins.send("GET / HTTP/1.1\r\nhost: ").await;
    rig.balancer.stop();
    // A later client has been served, so what the others sent has been read.
    let mut later = rig.get("/").await;
    assert_eq!(later.message().await.error_type(), "host_stopping");
    rig.stop_server();
    rig.server_ended().await;
    for client in [&mut silent, &mut begins, &mut later] {
        client.closed().await;
    }
}

#[tokio::test]
async fn a_request_over_an_open_connection_is_served_while_the_host_stops_s66c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut silent, mut kept) = (rig.client().await, rig.get("/").await);
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("first").await;
    assert_eq!(kept.message().await.header("connection"), None);
    rig.balancer.stop();
    rig.stop_server();
    // The control side removes a runner that drains.
    rig.balancer.remove(runner.id);
    assert!(rig.has_no_report());
    for client in [&mut kept, &mut silent] {
        client.get("/").await;
        connection.message().await;
        connection.answer("served").await;
        let response = client.message().await;
        assert_eq!((response.body.as_str(), response.header("connection")), ("served", Some("close")));
        client.closed().await;
    }
    assert_eq!(rig.report().await, Report::Drained(runner.id));
    rig.server_ended().await;
}

#[tokio::test]
async fn a_request_whose_body_still_arrives_is_served_while_the_host_stops_s56a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello").await;
    tick_through(Duration::from_secs(1)).await;
    rig.balancer.stop();
    rig.stop_server();
    rig.balancer.remove(runner.id);
    tick_through(Duration::from_secs(3)).await;
    assert!(rig.has_no_report());
    client.send("world").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.body, "helloworld");
    connection.answer("served").await;
    let response = client.message().await;
    assert_eq!((response.body.as_str(), response.header("connection")), ("served", Some("close")));
    assert_eq!(rig.report().await, Report::Drained(runner.id));
    rig.server_ended().await;
}

#[tokio::test]
async fn a_connection_whose_response_ends_during_the_stop_lingers_as_long_as_others_s66c() {
    let linger = Duration::from_secs(8);
    let mut rig = Rig::with(Limits { linger, ..limits() }).await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await;
    assert_eq!(client.head().await.header("connection"), None);
    rig.balancer.stop();
    rig.stop_server();
    tick_through(Duration::from_secs(3)).await;
    connection.send("ok").await;
    assert_eq!(client.exactly(2).await, "ok");
    tick_through(Duration::from_secs(6)).await;
    connection.closed().await;
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("served").await;
    assert_eq!(client.message().await.body, "served");
    rig.server_ended().await;
}

#[tokio::test]
async fn queued_connections_are_served_when_the_listener_closes_s66b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    // The server does not run in between: the test has one thread, and this call blocks it.
    let stream = std::net::TcpStream::connect(rig.address).unwrap();
    rig.balancer.stop();
    rig.stop_server();
    stream.set_nonblocking(true).unwrap();
    let mut client = Peer::new(tokio::net::TcpStream::from_std(stream).unwrap());
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("served").await;
    assert_eq!(client.message().await.body, "served");
    assert!(tokio::net::TcpStream::connect(rig.address).await.is_err(), "its listener is closed");
    client.closed().await;
    rig.server_ended().await;
}

#[tokio::test]
async fn a_lame_duck_serves_new_connections_and_closes_each_after_its_response_s66a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    rig.balancer.close_connections();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("served").await;
    let response = client.message().await;
    assert_eq!((response.body.as_str(), response.header("connection")), ("served", Some("close")));
    client.closed().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_cuts_its_clients_off() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    rig.server.take().unwrap().abort();
    client.closed().await;
    connection.closed().await;
}
