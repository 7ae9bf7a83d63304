//! Clients that send or read too slowly (S43).

use std::time::Duration;

use tokio::net::TcpSocket;

use super::overdue::{LIMIT, tick_through, too_long};
use super::rig::limits;
use super::{BEGINNING, Peer, Rig, long_post, until};
use crate::AwaitedTransfer;
use crate::proxy::Limits;

const HALF: Duration = Duration::from_secs(LIMIT.as_secs() / 2);

async fn rig() -> Rig {
    Rig::with(Limits { client_timeout: LIMIT, ..limits() }).await
}

/// A client that has sent a part of its body, and the runner that has got it.
async fn part_of_a_body(rig: &mut Rig) -> (Peer<tokio::net::TcpStream>, Peer<tokio::net::UnixStream>) {
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(100_000)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.exactly(BEGINNING).await;
    (client, connection)
}

#[tokio::test]
async fn a_stalled_upload_is_answered_408_and_its_runner_is_not_suspected_s43b_s28_s85e() {
    let mut rig = rig().await;
    let (mut client, mut connection) = part_of_a_body(&mut rig).await;
    tick_through(HALF).await;
    let oldest = rig.balancer.oldest_request(rig.last_runner()).unwrap();
    let wait = oldest.client_wait.unwrap();
    assert!(!oldest.response_begun && wait.transfer == AwaitedTransfer::Request, "{oldest:?}");
    assert!(wait.waited >= HALF / 2, "{wait:?}");
    too_long().await;
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (408, "client_timeout"));
    assert_eq!(response.header("connection"), Some("close"));
    assert!(rig.balancer.take_asked().is_empty());
    connection.closed().await;
    drop(connection);
    let id = crate::RunnerId::new(1);
    until(|| rig.balancer.in_flight(id) == 0).await;
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn one_byte_a_minute_is_no_activity_s43a() {
    let mut rig = rig().await;
    let (mut client, mut connection) = part_of_a_body(&mut rig).await;
    for _ in 0..2 {
        tick_through(Duration::from_secs(25)).await;
        client.send("x").await;
        connection.exactly(1).await;
    }
    tick_through(HALF).await;
    assert_eq!(client.message().await.status(), 408);
}

#[tokio::test]
async fn an_upload_that_is_slow_but_above_the_least_rate_is_not_cut_s43a() {
    let mut rig = rig().await;
    let (mut client, mut connection) = part_of_a_body(&mut rig).await;
    let part = "x".repeat(12_000);
    for _ in 0..5 {
        tick_through(Duration::from_secs(25)).await;
        client.send(&part).await;
        connection.exactly(part.len()).await;
    }
    client.send(&"x".repeat(100_000 - 5 * part.len())).await;
    connection.exactly(100_000 - 5 * part.len()).await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}

#[tokio::test]
async fn a_runner_that_does_not_read_is_not_held_against_the_client_s43a() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(8_000_000)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    let body = "x".repeat(8_000_000);
    let sending = tokio::spawn(async move {
        client.send_at_last(&body).await.unwrap();
        client
    });
    until(|| rig.balancer.in_flight(runner.id) == 1).await;
    too_long().await;
    connection.exactly(BEGINNING + 8_000_000).await;
    connection.answer("ok").await;
    assert_eq!(sending.await.unwrap().message().await.body, "ok");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_cut_off_and_loses_its_permit_s43a_s85e() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    let sending = tokio::spawn(async move {
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n").await;
        let body = "x".repeat(1_000_000);
        while connection.send_at_last(&body).await.is_ok() {}
    });
    assert_eq!(client.head().await.status(), 200);
    // Until the sockets between are full.
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    tick_through(HALF).await;
    let oldest = rig.balancer.oldest_request(runner.id).unwrap();
    let wait = oldest.client_wait.unwrap();
    assert!(oldest.response_begun && wait.transfer == AwaitedTransfer::Response, "{oldest:?}");
    assert!(wait.waited >= HALF / 2 && wait.waited <= LIMIT, "{wait:?}");
    too_long().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    sending.await.unwrap();
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_slow_upload_loses_its_permit_when_another_request_waits_s43i() {
    let mut rig = rig().await;
    let (mut slow, mut connection) = part_of_a_body(&mut rig).await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    let part = "x".repeat(300);
    for _ in 0..4 {
        slow.send(&part).await;
        connection.exactly(part.len()).await;
        tick_through(Duration::from_secs(1)).await;
    }
    tick_through(Duration::from_secs(4)).await;
    let refused = slow.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (408, "client_timeout"));
    assert!(refused.body.contains("8 KiB"), "{}", refused.body);
    assert!(rig.balancer.take_asked().is_empty());
    connection.closed().await;
}

#[tokio::test]
async fn a_slow_upload_goes_on_while_no_other_request_waits_s43i() {
    let mut rig = rig().await;
    let (mut slow, mut connection) = part_of_a_body(&mut rig).await;
    let part = "x".repeat(300);
    for _ in 0..120 {
        slow.send(&part).await;
        connection.exactly(part.len()).await;
        tick_through(Duration::from_secs(1)).await;
    }
    connection.answer("ok").await;
    assert_eq!(slow.message().await.body, "ok");
}

#[tokio::test]
async fn an_upload_at_a_fair_rate_goes_on_while_other_requests_wait_s43i() {
    let mut rig = rig().await;
    let (mut fair, mut connection) = part_of_a_body(&mut rig).await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    let part = "x".repeat(9_999);
    for _ in 0..10 {
        fair.send(&part).await;
        connection.exactly(part.len()).await;
        tick_through(Duration::from_secs(1)).await;
    }
    fair.send("xxxxxxxxxx").await;
    connection.exactly(10).await;
    tick_through(Duration::from_secs(30)).await;
    connection.answer("ok").await;
    assert_eq!(fair.message().await.body, "ok", "a runner may take its time");
}

#[tokio::test]
async fn a_slow_reader_loses_its_permit_when_another_request_waits_and_that_is_told_s43i_s84c() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let before = rig.balancer.refused();
    let (mut slow, mut connection) = rig.request("/", &runner).await;
    let sending = tokio::spawn(async move {
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n").await;
        let body = "x".repeat(1_000_000);
        while connection.send_at_last(&body).await.is_ok() {}
    });
    assert_eq!(slow.head().await.status(), 200);
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    // Until the sockets between are full.
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    tick_through(Duration::from_secs(15)).await;
    sending.await.unwrap();
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1");
    until(|| !rig.balancer.refused_since(&before).is_empty()).await;
    let told = rig.balancer.refused_since(&before);
    let told = serde_json::to_string(&told).unwrap();
    assert!(told.contains("client_timeout") && told.contains("while other requests waited"), "{told}");
}

#[tokio::test]
async fn the_framing_of_a_body_is_no_activity_s43a() {
    let mut rig = rig().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    assert_eq!(connection.chunk().await.unwrap(), "hello");
    // A size may begin with any number of zeros.
    let zeros = "0".repeat(1_000);
    for _ in 0..70 {
        if client.try_send(&zeros).await.is_err() {
            break;
        }
        tick_through(Duration::from_secs(1)).await;
    }
    assert_eq!(client.message().await.error_type(), "client_timeout");
}

#[tokio::test]
async fn with_a_request_timeout_a_client_that_stops_sending_causes_no_check_s28() {
    let mut rig = Rig::with(Limits { request_timeout: Some(LIMIT), ..limits() }).await;
    let (mut client, _connection) = part_of_a_body(&mut rig).await;
    too_long().await;
    assert_eq!(client.message().await.status(), 408);
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn the_request_timeout_begins_when_the_body_has_arrived_s43b() {
    let mut rig = Rig::with(Limits { request_timeout: Some(LIMIT), ..limits() }).await;
    let (mut client, mut connection) = part_of_a_body(&mut rig).await;
    tick_through(Duration::from_secs(50)).await;
    client.send(&"x".repeat(100_000)).await;
    connection.exactly(100_000).await;
    tick_through(Duration::from_secs(50)).await;
    connection.answer("in time").await;
    assert_eq!(client.message().await.body, "in time");
    assert!(rig.balancer.take_asked().is_empty());
}

/// A client that reads `bytes` of an endless response in each of some seconds.
async fn read_on(client: &mut Peer<tokio::net::TcpStream>, seconds: u64, bytes: usize) {
    for _ in 0..seconds {
        client.exactly(bytes).await;
        tick_through(Duration::from_secs(1)).await;
    }
}

/// A client of a response that fills everything between the runner and the client, and the task that sends it.
async fn full_sockets(rig: &mut Rig) -> (Peer<tokio::net::TcpStream>, tokio::task::JoinHandle<()>) {
    let runner = rig.runner();
    // The system tells a sender of reads only when a sixteenth of the receiver's buffer is free. With a buffer that grows,
    // a steady reader would look like one that reads hundreds of kilobytes every few seconds.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut client = Peer::new(socket.connect(rig.address).await.unwrap());
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    let sending = tokio::spawn(async move {
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n").await;
        let body = "x".repeat(1_000_000);
        while connection.send_at_last(&body).await.is_ok() {}
    });
    assert_eq!(client.head().await.status(), 200);
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    (client, sending)
}

#[tokio::test]
async fn a_reader_at_a_fair_rate_goes_on_while_other_requests_wait_s43i() {
    let mut rig = rig().await;
    let (mut fair, sending) = full_sockets(&mut rig).await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    read_on(&mut fair, 15, 60_000).await;
    assert!(!sending.is_finished());
    // It stops reading.
    tick_through(Duration::from_secs(15)).await;
    sending.await.unwrap();
}

#[tokio::test]
async fn a_reader_that_is_slow_but_above_the_least_rate_is_not_cut_s43a() {
    let mut rig = rig().await;
    let (mut client, sending) = full_sockets(&mut rig).await;
    read_on(&mut client, 150, 5_000).await;
    assert!(!sending.is_finished());
}
