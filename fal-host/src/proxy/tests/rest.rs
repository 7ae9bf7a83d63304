//! Clients that are idle for so long that their connections give their memory back (S43h).

use std::task::Waker;
use std::time::Duration;

use super::Rig;
use super::overdue::tick_through;
use crate::proxy::timer::Wait;

/// Longer than a client is idle before its connection rests.
const IDLE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_client_that_has_rested_is_served_again_s43h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    for _ in 0..3 {
        connection.answer(&"x".repeat(200_000)).await;
        assert_eq!(client.message().await.body.len(), 200_000);
        tick_through(IDLE).await;
        client.get("/next").await;
        // The host has retired the idle connection to the runner.
        connection = runner.accept().await;
        connection.message().await;
    }
    connection.answer("last").await;
    assert_eq!(client.message().await.body, "last");
}

#[tokio::test]
async fn the_beginning_of_a_head_that_was_sent_early_survives_the_rest_s43h() {
    let next = "GET /next HTTP/1.1\r\nhost: a\r\nx-own: 1\r\n\r\n";
    for cut in [1, 7, 20, next.len() - 1] {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let (early, late) = next.split_at(cut);
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: a\r\n\r\n{early}")).await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.answer("first").await;
        assert_eq!(client.message().await.body, "first");
        tick_through(IDLE).await;
        client.send(late).await;
        let request = runner.accept().await.message().await;
        assert_eq!((request.start.as_str(), request.header("x-own")), ("GET /next HTTP/1.1", Some("1")));
    }
}

#[tokio::test]
async fn the_connection_of_a_client_that_rests_ends_with_the_client_or_the_host_s43h_s66c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    let mut other = rig.get("/other").await;
    connection.answer("first").await;
    client.message().await;
    connection.message().await;
    connection.answer("other").await;
    other.message().await;
    tick_through(IDLE).await;
    other.close_side().await;
    other.closed().await;
    rig.stop_server();
    client.closed().await;
    rig.server_ended().await;
}

#[tokio::test]
async fn only_a_client_with_nothing_to_read_or_write_rests_s43h() {
    let client = Rig::new().await.unserved_client().await;
    let clock = client.timer.clock().clone();
    let wait = || {
        client.await_head();
        for _ in 0..client.limits.rest {
            assert!(!client.begins_rest(), "it is too early");
            clock.advance([&client.timer].into_iter());
        }
    };
    wait();
    assert!(client.begins_rest());
    assert!(!client.begins_rest(), "once");
    wait();
    assert!(client.head.append(b"G"));
    assert!(!client.begins_rest(), "a head arrives");
    client.head.end();
    wait();
    client.timer.start(Wait::Download, 100);
    assert!(!client.begins_rest(), "TLS has something to send");
    client.timer.stop(Wait::Download);
    assert!(client.begins_rest(), "TLS has sent it");
    wait();
    client.begin_write();
    assert!(!client.begins_rest(), "a response is not written yet");
    client.end_write();
    assert!(client.begins_rest(), "it is written");
    wait();
    client.deferred.add(Waker::noop(), |bytes| bytes.extend_from_slice(b"response"));
    assert!(!client.begins_rest(), "the write of a response is deferred");
    client.deferred.write(|bytes| Ok(bytes.len()));
    assert!(client.begins_rest(), "it is written");
    wait();
    client.begin_request(http::Version::HTTP_11, true);
    assert!(!client.begins_rest(), "a request is served");
    client.end_request();
    wait();
    assert!(client.begins_rest());
}
