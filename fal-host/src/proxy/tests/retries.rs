//! Lost requests that are sent once more (S59).

use std::time::Duration;

use tracing::Level;

use super::log::Log;
use super::overdue::tick_through;
use super::rig::limits;
use super::{Rig, until};
use crate::fleet::Reason;
use crate::proxy::{Limits, Report, Retries};

/// A data plane whose app has one idempotent endpoint.
async fn rig() -> Rig {
    Rig::with(Limits { retries: Retries::new(false, [("POST", "/x"), ("GET", "/x")]), ..limits() }).await
}

/// A request of this body with a length.
fn post(body: &str) -> String {
    format!("POST /x HTTP/1.1\r\nhost: test\r\nx-mark: 1\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_lost_request_is_sent_once_more_to_another_runner_with_its_body_s59a() {
    let mut rig = rig().await;
    let first = rig.runner();
    let mut client = rig.client().await;
    client.send(&post("hello")).await;
    let mut connection = first.accept().await;
    let sent = connection.message().await;
    let second = rig.runner();
    drop(connection);
    let mut connection = second.accept().await;
    let again = connection.message().await;
    assert_eq!((&again.start, &again.body), (&sent.start, &"hello".to_owned()));
    assert_eq!(again.headers, sent.headers, "the request id is the same");
    connection.answer("done").await;
    assert_eq!(client.message().await.body, "done");
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_request_that_is_sent_again_has_held_its_second_permit_since_it_got_that_s38h_s59a() {
    let mut rig = rig().await;
    let first = rig.runner();
    let (_client, connection) = rig.request("/x", &first).await;
    let time = Duration::from_secs(10);
    tick_through(time).await;
    assert!(rig.balancer.oldest_request(first.id).unwrap().in_flight >= time);
    let second = rig.runner();
    drop(connection);
    second.accept().await.message().await;
    assert!(rig.balancer.oldest_request(second.id).unwrap().in_flight < time);
}

#[tokio::test]
async fn the_rest_of_a_body_follows_from_the_client_s59a() {
    let mut rig = rig().await;
    let first = rig.runner();
    let mut client = rig.client().await;
    client
        .send("POST /x HTTP/1.1\r\nhost: test\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        .await;
    let mut connection = first.accept().await;
    connection.head().await;
    assert_eq!(connection.chunk().await.unwrap(), "one");
    let second = rig.runner();
    drop(connection);
    let mut connection = second.accept().await;
    connection.head().await;
    assert_eq!(connection.chunk().await.unwrap(), "one");
    client.send("3\r\ntwo\r\n0\r\nx-sum: 6\r\n\r\n").await;
    assert_eq!(connection.chunk().await.unwrap(), "two");
    assert_eq!(connection.line().await, "0");
    assert_eq!(connection.line().await, "x-sum: 6");
    connection.answer("done").await;
    assert_eq!(client.message().await.body, "done");
}

#[tokio::test]
async fn a_whole_chunked_body_is_sent_again_with_its_trailers_s59a() {
    let mut rig = rig().await;
    let first = rig.runner();
    let mut client = rig.client().await;
    let chunks = "3\r\none\r\n3\r\ntwo\r\n0\r\nx-sum: 6\r\n\r\n";
    client
        .send(&format!(
            "POST /x HTTP/1.1\r\nhost: test\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
        ))
        .await;
    let mut connection = first.accept().await;
    connection.message().await;
    let second = rig.runner();
    drop(connection);
    let mut connection = second.accept().await;
    connection.head().await;
    assert_eq!(connection.chunk().await.unwrap(), "onetwo");
    assert_eq!((connection.line().await, connection.line().await), ("0".to_owned(), "x-sum: 6".to_owned()));
    connection.answer("done").await;
    assert_eq!(client.message().await.body, "done");
}

#[tokio::test]
async fn a_request_that_is_lost_twice_is_not_sent_again_s59a() {
    let mut rig = rig().await;
    let (first, second, third) = (rig.runner(), rig.listening(), rig.listening());
    let (mut client, connection) = rig.request("/x", &first).await;
    rig.balancer.add(second.id, second.address());
    drop(connection);
    let mut connection = second.accept().await;
    connection.message().await;
    rig.balancer.add(third.id, third.address());
    drop(connection);
    let response = client.message().await;
    assert_eq!((response.status(), response.error_type().as_str()), (503, "runner_disconnected"));
    assert!(response.body.contains("Two runners"), "{}", response.body);
    assert_eq!(rig.balancer.in_flight(third.id), 0);
}

#[tokio::test]
async fn a_loss_by_the_host_itself_is_told_also_of_a_request_that_is_sent_again_s39c_s59b() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = rig().await;
    let (first, second) = (rig.runner(), rig.listening());
    let (mut client, connection) = rig.request("/x", &first).await;
    rig.balancer.ends_by_host(first.id, Reason::Unhealthy);
    rig.balancer.add(second.id, second.address());
    drop(connection);
    let mut connection = second.accept().await;
    connection.message().await;
    let ended = "The host ended runner 1 (unhealthy) while it held the request.";
    let [retry] = log.lines().try_into().unwrap();
    assert!(retry.starts_with(&format!(" INFO {ended} The request is sent once more. ")), "{retry}");
    drop(connection);
    let body = client.message().await.body;
    let expected = format!("{ended} The request was sent once more. The runner closed the connection");
    assert!(body.contains(&expected), "{body}");

    // Ejected runners return after a moment, and would get the next request.
    rig.balancer.remove(first.id);
    rig.balancer.remove(second.id);
    let third = rig.runner();
    rig.balancer.ends_by_host(third.id, Reason::Memory);
    let mut client = rig.client().await;
    client.send(&post(&"x".repeat(64 * 1024 + 1))).await;
    let mut connection = third.accept().await;
    connection.message().await;
    drop(connection);
    let body = client.message().await.body;
    let expected =
        format!("The host ended runner {} (memory) while it held the request. The request's body", third.id);
    assert!(body.contains(&expected), "{body}");
}

#[tokio::test]
async fn a_body_over_64_kib_is_not_sent_again_and_the_error_says_so_s59b() {
    for (length, is_repeated) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let mut rig = rig().await;
        let first = rig.runner();
        let mut client = rig.client().await;
        client.send(&post(&"x".repeat(length))).await;
        let mut connection = first.accept().await;
        assert_eq!(connection.message().await.body.len(), length);
        let second = rig.runner();
        drop(connection);
        if is_repeated {
            let mut connection = second.accept().await;
            assert_eq!(connection.message().await.body.len(), length);
            connection.answer("done").await;
            assert_eq!(client.message().await.body, "done");
        } else {
            let response = client.message().await;
            assert_eq!(response.error_type(), "runner_disconnected");
            assert!(response.body.contains("more than 65536 bytes"), "{}", response.body);
            assert_eq!(rig.balancer.in_flight(second.id), 0);
        }
    }
}

#[tokio::test]
async fn no_other_request_is_sent_again_nor_one_whose_response_has_begun_s39a_s59c() {
    let mut rig = rig().await;
    let first = rig.runner();
    for (path, sent) in
        [("/other", ""), ("/x", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), ("/x", "no HTTP\r\n\r\n")]
    {
        let mut client = rig.get(path).await;
        let mut connection = first.accept().await;
        connection.message().await;
        let other = rig.runner();
        connection.send(sent).await;
        drop(connection);
        match sent {
            _ if sent.starts_with("HTTP") => client.closed().await,
            _ => assert_eq!(client.message().await.error_type(), "runner_disconnected"),
        }
        until(|| rig.balancer.in_flight(first.id) == 0).await;
        assert_eq!(rig.balancer.in_flight(other.id), 0, "{path} {sent}");
        rig.balancer.remove(other.id);
        assert_eq!(rig.report().await, Report::Drained(other.id));
    }
}

#[tokio::test]
async fn a_lost_request_waits_in_front_of_the_others_and_beyond_the_limit_of_the_queue_s59a() {
    let retries = Retries::new(true, []);
    let mut rig = Rig::with(Limits { queue: 1, retries, ..limits() }).await;
    let first = rig.runner();
    let (mut client, connection) = rig.request("/lost", &first).await;
    let _other = rig.get("/other").await;
    until(|| rig.balancer.waiting() == 1).await;
    rig.balancer.remove(first.id);
    drop(connection);
    until(|| rig.balancer.waiting() == 2).await;
    let second = rig.runner();
    let mut connection = second.accept().await;
    assert_eq!(connection.message().await.start, "GET /lost HTTP/1.1");
    connection.answer("done").await;
    assert_eq!(client.message().await.body, "done");
}
