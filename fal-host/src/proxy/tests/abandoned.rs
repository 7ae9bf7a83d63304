//! Clients that leave before their response has ended (S38).

use std::time::Duration;

use http::Version;
use tokio::net::{TcpStream, UnixStream};

use super::overdue::{tick_through, too_long};
use super::{BEGINNING, Peer, Rig, long_post, until};
use crate::RunnerId;
use crate::proxy::exchange::Exchange;
use crate::proxy::queue::QueuePosition;
use crate::proxy::thread::ThreadIndex;
use crate::proxy::upstream::Upstream;

#[tokio::test]
async fn the_slot_of_a_request_whose_client_left_is_kept_until_the_runner_closes_the_connection_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (client, mut connection) = rig.request("/", &runner).await;
    drop(client);
    connection.closed().await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    assert_eq!(rig.balancer.in_flight(runner.id), 1, "the call may still run");
    drop(connection);
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1");
}

/// A stream that has begun, and its runner.
async fn stream(rig: &mut Rig) -> (Peer<TcpStream>, Peer<UnixStream>) {
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n").await;
    client.head().await;
    assert_eq!(client.chunk().await.unwrap(), "x");
    (client, connection)
}

#[tokio::test]
async fn the_runner_learns_at_once_that_the_client_of_a_silent_stream_has_left_s43d() {
    let mut rig = Rig::new().await;
    let (client, mut connection) = stream(&mut rig).await;
    drop(client);
    connection.closed().await;
    let runner = RunnerId::new(1);
    assert_eq!(rig.balancer.in_flight(runner), 1);
    drop(connection);
    until(|| rig.balancer.in_flight(runner) == 0).await;
}

#[tokio::test]
async fn the_runner_learns_soon_that_a_client_has_left_that_had_closed_its_side_before_s43d() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    client.close_side().await;
    // A zero is the first digit of the next size.
    assert_eq!(client.exactly(1).await, "0");
    drop(client);
    tick_through(Duration::from_secs(6)).await;
    connection.closed().await;
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_gets_chunks_whose_sizes_begin_with_few_zeros_s43d() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    client.close_side().await;
    assert_eq!(client.exactly(1).await, "0");
    for _ in 0..10 {
        tick_through(Duration::from_secs(90)).await;
    }
    connection.send("5\r\nlater\r\n0\r\n\r\n").await;
    assert_eq!(client.line().await, "00000005");
    assert_eq!(client.line().await, "later");
    assert_eq!(client.line().await, "0");
    client.closed().await;
}

#[tokio::test]
async fn every_gap_of_a_stream_is_probed_s43d() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    client.close_side().await;
    for _ in 0..3 {
        for _ in 0..10 {
            tick_through(Duration::from_secs(90)).await;
        }
        connection.send("5\r\nlater\r\n").await;
        assert_eq!(client.line().await, "000000005");
        assert_eq!(client.line().await, "later");
    }
}

#[tokio::test]
async fn a_probe_of_a_gap_does_not_outlast_its_response_s43d() {
    let client = Rig::new().await.unserved_client().await;
    client.begin_request(Version::HTTP_11, true);
    client.expect_chunks();
    client.probe_gap();
    client.end_request();
    client.begin_request(Version::HTTP_11, true);
    assert!(!client.take_probe());
}

#[tokio::test]
async fn the_runner_learns_at_once_that_the_client_of_a_silent_stream_has_reset_its_connection() {
    let mut rig = Rig::new().await;
    let (client, mut connection) = stream(&mut rig).await;
    client.reset();
    connection.closed().await;
}

#[tokio::test]
async fn a_client_that_closes_its_side_after_the_response_has_begun_gets_the_rest_s43d() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    client.close_side().await;
    // The host serves another client meanwhile, so it has seen the end of this one's side.
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    for event in ["first", "later"] {
        connection.send(&format!("5\r\n{event}\r\n")).await;
        assert_eq!(client.chunk().await.unwrap(), event);
    }
    connection.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, None);
    client.closed().await;
}

#[tokio::test]
async fn a_runner_that_streams_on_after_its_client_has_left_has_its_connection_closed() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\n\r\n").await;
    client.head().await;
    drop(client);
    let mut sent = 0;
    while connection.try_send(&"x".repeat(8192)).await.is_ok() {
        sent += 1;
        assert!(sent < 1000, "it is read without end");
    }
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn a_connection_that_was_abandoned_is_not_used_again() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (client, mut connection) = rig.request("/", &runner).await;
    drop(client);
    connection.closed().await;
    connection.answer("too late").await;
    drop(connection);
    let (mut next, mut fresh) = rig.request("/next", &runner).await;
    fresh.answer("to the next").await;
    assert_eq!(next.message().await.body, "to the next");
}

#[tokio::test]
async fn the_slot_of_a_request_that_found_no_connection_is_free_as_soon_as_its_client_has_left_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.with_backlog(0);
    let _fills_the_backlog = runner.connect();
    rig.balancer.add(runner.id, runner.address());
    let client = rig.get("/").await;
    until(|| rig.balancer.in_flight(runner.id) == 1).await;
    drop(client);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.served(runner.id), 0);
}

#[tokio::test]
async fn a_request_of_which_nothing_was_written_releases_its_permit_at_once_and_does_not_count_s38b_s54a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let permit = QueuePosition::default().acquire(&rig.balancer).await.unwrap();
    let upstream = Upstream::open(&permit.runner().address, ThreadIndex::default()).await.unwrap();
    let _never_closes = runner.accept().await;
    drop(Exchange::unwritten(upstream, permit, rig.unserved_client().await));
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.served(runner.id), 0);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_own_body_abandons_the_request_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(5)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.exactly(BEGINNING).await;
    drop(client);
    connection.closed().await;
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.served(runner.id), 1);
}

#[tokio::test]
async fn a_client_that_leaves_after_its_whole_body_abandons_the_request_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for parts in [
        ["POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello", ""],
        ["POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", "hello"],
        ["POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhe", "llo"],
        ["POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ""],
        ["POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "0\r\n\r\n"],
    ] {
        let mut client = rig.client().await;
        for part in parts {
            client.send(part).await;
            tokio::task::yield_now().await;
        }
        let mut connection = runner.accept().await;
        assert_eq!(connection.message().await.body, "hello");
        drop(client);
        connection.closed().await;
        drop(connection);
        until(|| rig.balancer.in_flight(runner.id) == 0).await;
    }
    let mut client = rig.client().await;
    client.send(&long_post(5)).await;
    client.send("hello").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.exactly(BEGINNING + 5).await;
    drop(client);
    connection.closed().await;
}

#[tokio::test]
async fn a_runner_that_still_sends_after_its_client_has_left_is_cut_off_after_a_second_s43c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\n\r\n").await;
    client.head().await;
    drop(client);
    connection.send("event\n").await;
    connection.closed().await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    while connection.try_send("event\n").await.is_ok() {
        tokio::time::advance(Duration::from_millis(200)).await;
        tokio::task::yield_now().await;
    }
    assert!(began.elapsed() <= Duration::from_secs(2), "{:?}", began.elapsed());
    tokio::time::resume();
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn a_runner_that_is_silent_keeps_the_permit_however_long_its_call_runs_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (client, mut connection) = rig.request("/", &runner).await;
    drop(client);
    connection.closed().await;
    too_long().await;
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
}

#[tokio::test]
async fn a_client_that_may_have_left_makes_room_for_a_request_that_waits_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for head in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let mut client = rig.client().await;
        client.send(head).await;
        let mut connection = runner.accept().await;
        connection.message().await;
        if head.contains("1.1") {
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegin").await;
            client.head().await;
            assert_eq!(client.exactly(5).await, "begin");
        }
        client.close_side().await;
        // Without a request that waits, the client keeps its permit: it may still read.
        tick_through(Duration::from_secs(60)).await;
        assert_eq!(rig.balancer.in_flight(runner.id), 1);
        let _next = rig.get("/next").await;
        until(|| rig.balancer.waiting() == 1).await;
        tick_through(Duration::from_secs(7)).await;
        connection.closed().await;
        drop(connection);
        let mut connection = runner.accept().await;
        assert_eq!(connection.message().await.start, "GET /next HTTP/1.1");
        connection.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        until(|| rig.balancer.in_flight(runner.id) == 0).await;
    }
}

#[tokio::test]
async fn a_client_that_may_have_left_leaves_the_queue_while_others_are_served_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (_first, _connection) = rig.request("/first", &runner).await;
    let mut client = rig.client().await;
    client.send("GET /left HTTP/1.0\r\n\r\n").await;
    until(|| rig.balancer.waiting() == 1).await;
    client.close_side().await;
    let mut seconds = 0;
    while rig.balancer.waiting() > 0 {
        assert!(seconds < 1_000, "it stays in the queue");
        seconds += 1;
        tick_through(Duration::from_secs(1)).await;
    }
    assert!(seconds >= 5, "{seconds}");
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_and_is_sent_something_goes_on_while_others_wait_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n").await;
    client.head().await;
    client.close_side().await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    for _ in 0..20 {
        tick_through(Duration::from_secs(1)).await;
        connection.send("x").await;
        assert_eq!(client.exactly(1).await, "x");
    }
}
