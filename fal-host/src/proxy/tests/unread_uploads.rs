//! Uploads of which the host has more than their runner reads (S43b, S53a).

use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;

use super::overdue::{LIMIT, tick_each, tick_through, too_long};
use super::rig::limits;
use super::{BEGINNING, Peer, Rig, long_post, settle, until};
use crate::RunnerId;
use crate::proxy::Limits;

const BODY: usize = 8_000_000;

/// Less than the system takes for a runner that does not read, and than a runner must read until the system takes more.
const PART: usize = 50_000;

/// A time in which no request becomes overdue.
const NEARLY: Duration = Duration::from_secs(58);

/// How late an overdue request may be found.
const LATE: Duration = Duration::from_secs(2);

async fn with_request_timeout() -> Rig {
    Rig::with(Limits { request_timeout: Some(LIMIT), ..limits() }).await
}

async fn with_wedged_after() -> Rig {
    Rig::with(Limits { wedged_after: Some(LIMIT), ..limits() }).await
}

/// A client that sends this much of a body of 8 MB, the task that sends it, and the runner, which has read the beginning.
async fn upload_of(
    rig: &mut Rig,
    length: usize,
) -> (RunnerId, JoinHandle<Peer<TcpStream>>, Peer<UnixStream>) {
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.reset_when_dropped();
    client.send(&long_post(BODY)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.exactly(BEGINNING).await;
    let sending = tokio::spawn(async move {
        // The rest of a request that is answered early is not needed.
        let _ = client.send_at_last(&"x".repeat(length)).await;
        client
    });
    settle().await;
    (runner.id, sending, connection)
}

/// The same with the whole body.
async fn large_upload(rig: &mut Rig) -> (RunnerId, JoinHandle<Peer<TcpStream>>, Peer<UnixStream>) {
    upload_of(rig, BODY).await
}

#[tokio::test]
async fn a_runner_that_takes_nothing_of_what_has_arrived_is_overdue_s43b_s53a() {
    let mut rig = with_request_timeout().await;
    let (runner, sending, _connection) = large_upload(&mut rig).await;
    tick_through(NEARLY).await;
    assert!(!sending.is_finished());
    tick_through(LATE * 2).await;
    until(|| sending.is_finished()).await;
    let response = sending.await.unwrap().message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (504, "request_timeout"));
    assert_eq!(rig.balancer.take_asked(), [runner]);
}

#[tokio::test]
async fn a_runner_that_takes_nothing_of_what_has_arrived_may_be_wedged_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, mut connection) = large_upload(&mut rig).await;
    tick_through(NEARLY).await;
    assert!(!rig.balancer.is_wedged(runner));
    tick_through(LATE * 2).await;
    assert!(rig.balancer.is_wedged(runner));
    connection.exactly(BODY).await;
    connection.answer("late").await;
    assert_eq!(sending.await.unwrap().message().await.body, "late");
    assert!(!rig.balancer.is_wedged(runner));
}

#[tokio::test]
async fn a_runner_that_takes_more_of_a_body_is_not_overdue_s43b_s53a() {
    let mut rig = with_request_timeout().await;
    let (_, sending, mut connection) = large_upload(&mut rig).await;
    for _ in 0..8 {
        tick_through(LIMIT / 2).await;
        connection.exactly(BODY / 8).await;
    }
    connection.answer("in time").await;
    assert_eq!(sending.await.unwrap().message().await.body, "in time");
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn a_runner_that_takes_less_than_what_lets_the_host_write_more_is_not_overdue_s43b_s53a() {
    let mut rig = with_request_timeout().await;
    let (_, sending, mut connection) = large_upload(&mut rig).await;
    for _ in 0..12 {
        tick_through(LIMIT / 2).await;
        connection.read_only(PART).await;
    }
    connection.read_only(BODY - 12 * PART).await;
    connection.answer("in time").await;
    assert_eq!(sending.await.unwrap().message().await.body, "in time");
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn a_runner_that_takes_small_pieces_more_slowly_than_they_arrive_is_not_overdue_s43b_s53a() {
    let mut rig = with_request_timeout().await;
    let (_, sending, mut connection) = upload_of(&mut rig, 1).await;
    let mut client = sending.await.unwrap();
    connection.read_only(1).await;
    for _ in 0..2 * LIMIT.as_secs() {
        for _ in 0..2 {
            client.send(&"x".repeat(100)).await;
            settle().await;
        }
        connection.read_only(100).await;
        tick_through(Duration::from_secs(1)).await;
    }
    assert!(rig.balancer.take_asked().is_empty());
    connection.answer("in time").await;
    assert_eq!(client.message().await.body, "in time");
}

#[tokio::test]
async fn a_runner_that_takes_nothing_is_overdue_although_the_host_waits_for_the_client_s43b_s53a() {
    let mut rig = with_request_timeout().await;
    let (runner, sending, _connection) = upload_of(&mut rig, PART).await;
    let mut client = sending.await.unwrap();
    tick_through(NEARLY).await;
    assert!(rig.balancer.take_asked().is_empty());
    tick_through(LATE * 2).await;
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (504, "request_timeout"));
    assert_eq!(rig.balancer.take_asked(), [runner]);
}

#[tokio::test]
async fn a_runner_that_takes_nothing_may_be_wedged_although_the_host_waits_for_the_client_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, mut connection) = upload_of(&mut rig, PART).await;
    let _client = sending.await.unwrap();
    tick_through(NEARLY).await;
    assert!(!rig.balancer.is_wedged(runner));
    tick_through(LATE * 2).await;
    assert!(rig.balancer.is_wedged(runner));
    connection.read_only(PART).await;
    tick_through(LATE).await;
    assert!(!rig.balancer.is_wedged(runner));
    too_long().await;
    assert!(!rig.balancer.is_wedged(runner), "it has read everything");
}

#[tokio::test]
async fn a_slow_client_does_not_hide_that_its_runner_takes_nothing_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, _connection) = upload_of(&mut rig, PART).await;
    let mut client = sending.await.unwrap();
    for _ in 0..LIMIT.as_secs() + 2 {
        client.send("x").await;
        tick_through(Duration::from_secs(1)).await;
    }
    assert!(rig.balancer.is_wedged(runner));
}

#[tokio::test]
async fn the_time_of_a_runner_that_stops_reading_begins_when_it_has_last_read_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, _sending, mut connection) = large_upload(&mut rig).await;
    tick_through(LIMIT / 2).await;
    connection.exactly(BODY / 4).await;
    settle().await;
    tick_through(NEARLY).await;
    assert!(!rig.balancer.is_wedged(runner));
    tick_through(LATE * 2).await;
    assert!(rig.balancer.is_wedged(runner));
}

#[tokio::test]
async fn a_runner_that_reads_again_is_not_wedged_any_longer_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, mut connection) = large_upload(&mut rig).await;
    tick_through(LIMIT + LATE).await;
    assert!(rig.balancer.is_wedged(runner));
    connection.exactly(BODY / 4).await;
    settle().await;
    tick_through(LATE).await;
    assert!(!rig.balancer.is_wedged(runner));
    tick_through(LIMIT).await;
    assert!(rig.balancer.is_wedged(runner), "it has stopped again");
    connection.exactly(BODY / 4 * 3).await;
    sending.await.unwrap();
    until(|| !rig.balancer.is_wedged(runner)).await;
    tick_through(NEARLY).await;
    assert!(!rig.balancer.is_wedged(runner), "it has had the whole body for less than the limit");
    tick_through(LATE * 2).await;
    assert!(rig.balancer.is_wedged(runner));
    connection.answer("late").await;
    until(|| !rig.balancer.is_wedged(runner)).await;
}

#[tokio::test]
async fn a_runner_that_has_read_all_of_what_a_slow_client_has_sent_is_not_wedged_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, mut connection) = upload_of(&mut rig, BODY / 4).await;
    tick_through(LIMIT + LATE).await;
    assert!(rig.balancer.is_wedged(runner));
    connection.exactly(BODY / 4).await;
    let _client = sending.await.unwrap();
    tick_through(LATE).await;
    assert!(!rig.balancer.is_wedged(runner));
    too_long().await;
    assert!(!rig.balancer.is_wedged(runner), "the host waits for the client");
}

/// A runner whose client has left is wedged after the limit, until it closes the connection.
async fn is_wedged_until_closed(rig: &Rig, runner: RunnerId, connection: Peer<UnixStream>) {
    settle().await;
    tick_through(NEARLY).await;
    assert!(!rig.balancer.is_wedged(runner));
    tick_through(LATE * 2).await;
    until(|| rig.balancer.is_wedged(runner)).await;
    drop(connection);
    until(|| rig.balancer.in_flight(runner) == 0).await;
    assert!(!rig.balancer.is_wedged(runner));
}

#[tokio::test]
async fn a_runner_that_takes_nothing_is_overdue_although_the_client_has_left_s53a() {
    for mut rig in [with_request_timeout().await, with_wedged_after().await] {
        let (runner, sending, connection) = large_upload(&mut rig).await;
        sending.abort();
        assert!(sending.await.is_err());
        is_wedged_until_closed(&rig, runner, connection).await;
    }
}

#[tokio::test]
async fn a_runner_that_has_not_taken_the_last_bytes_of_a_client_that_has_left_is_overdue_s53a() {
    let mut rig = with_wedged_after().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(BODY)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.exactly(BEGINNING).await;
    // The host has read all of it, and holds less than it writes at once.
    client.send_until_blocked(&connection, 1_000).await;
    client.reset();
    settle().await;
    tick_through(LIMIT + LATE).await;
    until(|| rig.balancer.is_wedged(runner.id)).await;
}

#[tokio::test]
async fn a_runner_that_has_not_taken_what_the_system_holds_of_a_client_that_has_left_is_overdue_s53a() {
    for mut rig in [with_request_timeout().await, with_wedged_after().await] {
        let (runner, sending, connection) = upload_of(&mut rig, PART).await;
        drop(sending.await.unwrap());
        is_wedged_until_closed(&rig, runner, connection).await;
    }
}

#[tokio::test]
async fn the_time_of_a_runner_whose_client_has_left_begins_when_it_has_last_read_s43b_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, mut connection) = large_upload(&mut rig).await;
    sending.abort();
    assert!(sending.await.is_err());
    settle().await;
    for _ in 0..3 {
        tick_through(LIMIT / 2).await;
        connection.read_only(PART).await;
        assert!(!rig.balancer.is_wedged(runner));
    }
    tick_through(LIMIT + LATE).await;
    assert!(rig.balancer.is_wedged(runner));
    connection.closed().await;
    tick_through(LATE).await;
    assert!(!rig.balancer.is_wedged(runner), "it has read the rest");
    tick_through(LIMIT / 2).await;
    assert!(!rig.balancer.is_wedged(runner));
    // Its end has told it that no more comes.
    tick_through(LIMIT / 2 + LATE).await;
    assert!(rig.balancer.is_wedged(runner));
    drop(connection);
    until(|| rig.balancer.in_flight(runner) == 0).await;
    assert!(!rig.balancer.is_wedged(runner));
}

#[tokio::test]
async fn a_runner_that_does_not_end_a_request_that_its_client_has_broken_off_is_overdue_s53a() {
    let mut rig = with_wedged_after().await;
    let (runner, sending, mut connection) = upload_of(&mut rig, BODY / 4).await;
    connection.exactly(BODY / 4).await;
    drop(sending.await.unwrap());
    connection.closed().await;
    tick_through(NEARLY).await;
    assert!(!rig.balancer.is_wedged(runner));
    tick_through(LATE * 2).await;
    assert!(rig.balancer.is_wedged(runner));
    drop(connection);
    until(|| rig.balancer.in_flight(runner) == 0).await;
    assert!(!rig.balancer.is_wedged(runner));
}

#[tokio::test]
async fn the_time_in_which_the_host_does_not_ask_for_a_body_is_not_the_runners_s43b_s45h() {
    let limit = Duration::from_millis(500);
    let tick = limit / 16;
    for limits in [
        Limits { request_timeout: Some(limit), ..limits() },
        Limits { wedged_after: Some(limit), ..limits() },
    ] {
        let mut rig = Rig::with(limits).await;
        let runner = rig.runner();
        let mut client = rig.client().await;
        client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n").await;
        let mut connection = runner.accept().await;
        connection.head().await;
        tick_each(tick, Duration::from_millis(950)).await;
        assert!(!rig.balancer.is_wedged(runner.id));
        tick_each(tick, tick * 4).await;
        assert_eq!(client.head().await.status(), 100);
        tick_each(tick, tick * 5).await;
        client.send("hi").await;
        assert_eq!(connection.exactly(2).await, "hi");
        assert!(!rig.balancer.is_wedged(runner.id));
        connection.answer("ok").await;
        assert_eq!(client.message().await.body, "ok");
        assert!(rig.balancer.take_asked().is_empty());
    }
}
