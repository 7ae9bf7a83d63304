//! Responses that come before the end of their request, and requests whose body is not read (S43).

use futures_util::FutureExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::rig::limits;
use super::{BEGINNING, Peer, Rig, long_post, until};
use crate::proxy::Limits;
use crate::proxy::queue::QueuePosition;

const UPLOAD: usize = 5_000_000;

/// A client that sends a body which fills every buffer, and returns when it has sent all of it.
async fn upload(rig: &Rig) -> JoinHandle<Peer<TcpStream>> {
    let mut client = rig.client().await;
    tokio::spawn(async move {
        client.send(&format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {UPLOAD}\r\n\r\n")).await;
        client.send(&"x".repeat(UPLOAD)).await;
        client
    })
}

#[tokio::test]
async fn a_complete_response_ends_a_request_whose_client_still_sends_s43e() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(5)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.answer("no need").await;
    let response = client.message().await;
    assert_eq!((response.body.as_str(), response.header("connection")), ("no need", Some("close")));
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    connection.closed().await;
    let _next = rig.get("/next").await;
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1", "over a fresh connection");
    client.closed().await;
}

#[tokio::test]
async fn a_client_that_sends_its_whole_body_first_reads_why_it_was_refused_s43e() {
    let rig = Rig::with(Limits { queue: 0, ..limits() }).await;
    for _ in 0..5 {
        let mut client = rig.client().await;
        client.send(&format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {UPLOAD}\r\n\r\n")).await;
        client.send(&"x".repeat(UPLOAD)).await;
        let refused = client.message().await;
        assert_eq!((refused.status(), refused.error_type().as_str()), (503, "queue_full"));
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(refused.header("connection"), Some("close"));
        client.closed().await;
    }
}

#[tokio::test]
async fn a_response_that_has_arrived_beats_a_write_error_s43f() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for round in 0..20 {
        let sending = upload(&rig).await;
        let mut connection = runner.accept().await;
        connection.head().await;
        connection.exactly(round * 10_000).await;
        connection.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig").await;
        drop(connection);
        let response = sending.await.unwrap().message().await;
        assert_eq!((response.status(), response.body.as_str()), (413, "big"), "round {round}");
    }
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_response_passes_an_upload_of_which_the_runner_reads_nothing_s43e() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let sending = upload(&rig).await;
    let mut connection = runner.accept().await;
    connection.answer("no need").await;
    let response = sending.await.unwrap().message().await;
    assert_eq!((response.status(), response.body.as_str()), (200, "no need"));
}

#[tokio::test]
async fn the_connection_of_an_early_response_serves_no_further_request_s43e() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(5)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await;
    client.head().await;
    client.send("world").await;
    connection.exactly(BEGINNING).await;
    assert_eq!(connection.exactly(5).await, "world");
    connection.send("k").await;
    assert_eq!(client.exactly(2).await, "ok");
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert_eq!(rig.balancer.kept(runner.id), 0, "its runner may close it");
}

#[tokio::test]
async fn a_client_that_breaks_off_its_upload_still_gets_the_response_and_its_runner_is_not_blamed_s43f() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&long_post(5)).await;
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await;
    client.head().await;
    client.close_side().await;
    connection.exactly(BEGINNING).await;
    connection.closed().await;
    let mut position = QueuePosition::default();
    assert!(position.acquire(&rig.balancer).now_or_never().is_some(), "the runner gets requests");
    connection.send("k").await;
    assert_eq!(client.exactly(2).await, "ok");
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(rig.has_no_report());
}
