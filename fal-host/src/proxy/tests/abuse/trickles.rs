//! Clients that send or read one byte a second.

use std::time::Duration;

use super::super::overdue::tick_through;
use super::super::rig::limits;
use super::{Rig, assert_unharmed};
use crate::proxy::Limits;

/// Longer than any limit on a client.
const SECONDS: u64 = 150;

#[tokio::test]
async fn a_head_a_body_and_a_reader_at_one_byte_a_second_end_while_others_are_served_s43a() {
    let client_timeout = Duration::from_secs(60);
    let mut rig = Rig::with(Limits { client_timeout, max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();

    let mut body = rig.client().await;
    body.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n").await;
    let mut reader = rig.get("/").await;
    let mut download = runner.accept().await;
    download.head().await;
    let sending = tokio::spawn(async move {
        let part = "x".repeat(1_000_000);
        download.send("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n").await;
        while download.send_at_last(&part).await.is_ok() {}
    });
    assert_eq!(reader.head().await.status(), 200);
    let mut head = rig.client().await;
    head.send("GET / HTTP/1.1\r\nhost: ").await;

    let mut other = rig.get("/").await;
    let mut connection = runner.accept().await;
    for _ in 0..SECONDS {
        tick_through(Duration::from_secs(1)).await;
        // Each fails when its time is over.
        let _ = head.try_send("a").await;
        let _ = body.try_send("a").await;
        if !sending.is_finished() {
            reader.exactly(1).await;
        }
        connection.message().await;
        connection.answer("ok").await;
        assert_eq!(other.message().await.body, "ok");
        other.get("/").await;
    }
    connection.message().await;
    connection.answer("ok").await;
    sending.await.unwrap();
    assert_eq!(head.message().await.error_type(), "client_timeout");
    assert_eq!(body.message().await.error_type(), "client_timeout");
    assert_unharmed(&mut rig, runner.id).await;
}
