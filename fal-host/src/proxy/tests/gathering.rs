//! Bodies that arrive slowly, before their requests have a permit (S56).

use std::time::Duration;

use super::overdue::{LIMIT, tick_through, too_long};
use super::rig::limits;
use super::{BEGINNING, Rig, long_post, until};
use crate::proxy::permits::Priority;
use crate::proxy::{Limits, Retries};

const HEAD: &str = "POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";

#[tokio::test]
async fn slow_uploads_hold_no_permit_and_each_is_served_when_it_is_complete_s56a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut client = rig.client().await;
        client.send(HEAD).await;
        client.send("hello").await;
        slow.push(client);
    }
    let mut quick = rig.get("/quick").await;
    let mut connection = runner.accept().await;
    for mut client in slow {
        assert_eq!(connection.message().await.start, "GET /quick HTTP/1.1");
        connection.answer("quick").await;
        assert_eq!(quick.message().await.body, "quick");
        client.send("world").await;
        let message = connection.message().await;
        assert_eq!((message.start.as_str(), message.body.as_str()), ("POST /slow HTTP/1.1", "helloworld"));
        connection.answer("slow").await;
        assert_eq!(client.message().await.body, "slow");
        quick.get("/quick").await;
    }
}

#[tokio::test]
async fn a_large_body_takes_a_permit_when_its_beginning_has_arrived_s56a() {
    let mut rig = Rig::new().await;
    let mut client = rig.client().await;
    let request = long_post(3);
    let (first, last) = request.split_at(request.len() - 1);
    client.send(first).await;
    let runner = rig.runner();
    let (mut other, mut connection) = rig.request("/", &runner).await;
    connection.answer("other").await;
    other.message().await;
    client.send(last).await;
    assert_eq!(connection.head().await.header("content-length"), Some((BEGINNING + 3).to_string().as_str()));
    connection.exactly(BEGINNING).await;
    client.send("end").await;
    assert_eq!(connection.exactly(3).await, "end");
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}

#[tokio::test]
async fn a_chunked_body_may_be_a_stream_and_takes_a_permit_at_once_s56b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    assert_eq!(connection.chunk().await.unwrap(), "a");
    connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n").await;
    client.head().await;
    assert_eq!(client.chunk().await.unwrap(), "b");
    client.send("0\r\n\r\n").await;
    connection.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, None);
}

#[tokio::test]
async fn an_upload_that_stalls_early_is_answered_408_and_never_had_a_permit_s56a_s43b() {
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, queue: 0, ..limits() }).await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(HEAD).await;
    client.send("hell").await;
    tick_through(Duration::from_secs(30)).await;
    client.send("o").await;
    too_long().await;
    let refused = client.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (408, "client_timeout"));
    assert_eq!(refused.header("connection"), Some("close"));
    client.closed().await;
    assert_eq!(rig.balancer.served(runner.id), 0);
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn an_upload_of_which_nothing_arrives_is_answered_408_s56a_s43b() {
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, queue: 0, ..limits() }).await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(HEAD).await;
    too_long().await;
    let refused = client.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (408, "client_timeout"));
    assert_eq!(rig.balancer.served(runner.id), 0);
}

#[tokio::test]
async fn a_client_that_leaves_in_its_upload_reaches_no_runner_s56a_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for resets in [true, false] {
        let mut client = rig.client().await;
        client.send(HEAD).await;
        client.send("hello").await;
        if resets {
            client.reset();
        } else {
            client.close_side().await;
            let mut refused = client.message().await;
            while refused.status() == 100 {
                refused = client.message().await;
            }
            assert_eq!((refused.status(), refused.error_type().as_str()), (400, "broken_body"));
        }
    }
    let _next = rig.get("/next").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.start, "GET /next HTTP/1.1");
    until(|| rig.balancer.in_flight(runner.id) == 1).await;
}

#[tokio::test]
async fn what_was_read_early_is_sent_once_more_if_it_is_lost_s56a_s59a() {
    let mut rig = Rig::with(Limits { retries: Retries::new(false, [("POST", "/slow")]), ..limits() }).await;
    let first = rig.runner();
    let mut client = rig.client().await;
    client.send(HEAD).await;
    client.send("hello").await;
    let (mut quick, mut connection) = rig.request("/quick", &first).await;
    connection.answer("quick").await;
    quick.message().await;
    client.send("world").await;
    assert_eq!(connection.message().await.body, "helloworld");
    let second = rig.runner();
    drop(connection);
    let mut connection = second.accept().await;
    let again = connection.message().await;
    assert_eq!((again.body.as_str(), again.header("content-length")), ("helloworld", Some("10")));
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}

const WAIT: Duration = Duration::from_secs(10);

const STREAM: &str = "POST /stream HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";

#[tokio::test]
async fn a_stream_waits_until_no_complete_request_does_s56c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut first, mut connection) = rig.request("/first", &runner).await;
    let mut stream = rig.client().await;
    stream.send(STREAM).await;
    until(|| rig.balancer.waiting() == 1).await;
    for path in ["/second", "/third"] {
        let next = rig.get(path).await;
        until(|| rig.balancer.waiting() == 2).await;
        connection.answer("ok").await;
        first.message().await;
        first = next;
        assert_eq!(connection.message().await.start, format!("GET {path} HTTP/1.1"));
    }
    connection.answer("ok").await;
    assert_eq!(connection.head().await.start, "POST /stream HTTP/1.1");
    assert_eq!(connection.chunk().await.unwrap(), "hello");
    stream.send("0\r\n\r\n").await;
    assert_eq!(connection.chunk().await, None);
    connection.answer("ok").await;
    assert_eq!(stream.message().await.body, "ok");
}

#[tokio::test]
async fn a_chunked_body_that_is_complete_in_the_queue_gives_its_request_its_place_s56c_s83e() {
    let mut rig = Rig::with(Limits { server_timing: true, ..limits() }).await;
    let runner = rig.runner();
    let (_first, mut connection) = rig.request("/first", &runner).await;
    let mut stream = rig.client().await;
    stream.send(STREAM).await;
    until(|| rig.balancer.waiting() == 1).await;
    let _later = rig.get("/later").await;
    until(|| rig.balancer.waiting() == 2).await;
    tick_through(WAIT).await;
    stream.send("0\r\nx: 1\r\n\r\n").await;
    // The runner answers when the host has read that.
    until(|| rig.balancer.waiting_with(Priority::Low) == 0).await;
    connection.answer("ok").await;
    let request = connection.message().await;
    assert_eq!((request.start.as_str(), request.body.as_str()), ("POST /stream HTTP/1.1", "hello"));
    assert!(rig.balancer.oldest_request(runner.id).unwrap().in_flight < WAIT);
    connection.answer("ok").await;
    let response = stream.message().await;
    let timing = response.header("server-timing").unwrap();
    let queued = timing.split(['=', ',']).nth(1).and_then(|time| time.parse::<f64>().ok());
    assert!(queued.is_some_and(|time| time >= WAIT.as_secs_f64() * 1_000.0), "{timing}");
}

#[tokio::test]
async fn a_stream_makes_room_in_a_full_queue_s56c() {
    let mut rig = Rig::with(Limits { queue: 1, ..limits() }).await;
    let runner = rig.runner();
    let (_first, mut connection) = rig.request("/first", &runner).await;
    let mut stream = rig.client().await;
    stream.send(STREAM).await;
    until(|| rig.balancer.waiting() == 1).await;
    let _second = rig.get("/second").await;
    let refused = stream.message().await;
    assert_eq!((refused.status(), refused.error_type().as_str()), (503, "queue_full"));
    let third = rig.get("/third").await.message().await;
    assert_eq!((third.status(), third.error_type().as_str()), (503, "queue_full"));
    connection.answer("ok").await;
    assert_eq!(connection.message().await.start, "GET /second HTTP/1.1");
}

#[tokio::test]
async fn a_body_that_waits_for_100_continue_is_asked_for_in_the_queue_s56c_s45h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (_first, mut connection) = rig.request("/first", &runner).await;
    let mut client = rig.client().await;
    client
        .send("POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
        .await;
    until(|| rig.balancer.waiting() == 1).await;
    let _later = rig.get("/later").await;
    until(|| rig.balancer.waiting() == 2).await;
    tick_through(Duration::from_secs(3)).await;
    assert_eq!(client.head().await.status(), 100);
    client.send("hello").await;
    until(|| rig.balancer.waiting_with(Priority::Low) == 0).await;
    connection.answer("ok").await;
    let request = connection.message().await;
    assert_eq!((request.start.as_str(), request.body.as_str()), ("POST /upload HTTP/1.1", "hello"));
}
