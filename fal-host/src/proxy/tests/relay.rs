//! Responses whose parts arrive with pauses, which are passed on past hyper.

use tokio::net::{TcpStream, UnixStream};
use tracing::Level;

use super::log::Log;
use super::overdue::{LIMIT, too_long};
use super::rig::limits;
use super::{Peer, Rig, until};
use crate::proxy::Limits;

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: sum\r\n\r\n";

/// A stream whose head has reached the client, and its runner.
async fn stream(rig: &mut Rig) -> (Peer<TcpStream>, Peer<UnixStream>) {
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send(HEAD).await;
    assert_eq!(client.head().await.status(), 200);
    (client, connection)
}

fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// Reads chunks until they have this many bytes.
async fn data(client: &mut Peer<TcpStream>, length: usize) -> String {
    let mut data = String::new();
    while data.len() < length {
        data += &client.chunk().await.unwrap();
    }
    data
}

#[tokio::test]
async fn parts_of_any_size_arrive_in_order_and_before_the_trailers() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    for (number, length) in [1, 2, 100, 3_000, 20_000, 70_000, 1, 300_000, 5].into_iter().enumerate() {
        let part: String = (number..)
            .map(|index| char::from(b"abcdefghijklmnopqrstuvwxyz"[index % 26]))
            .take(length)
            .collect();
        let sent = chunk(&part);
        let ((), received) = tokio::join!(connection.send(&sent), data(&mut client, length));
        assert_eq!(received, part);
    }
    connection.send(&(chunk("last") + "0\r\nsum: 7\r\n\r\n")).await;
    assert_eq!(client.chunk().await.unwrap(), "last");
    assert_eq!(client.line().await, "0");
    assert_eq!(client.line().await, "sum: 7");
    assert_eq!(client.line().await, "");

    client.get("/next").await;
    assert_eq!(connection.message().await.start, "GET /next HTTP/1.1");
    connection.answer("next").await;
    assert_eq!(client.message().await.body, "next");
}

#[tokio::test]
async fn many_small_parts_arrive_in_order() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    for round in 0..20 {
        let parts: Vec<_> = (0..round * 50).map(|number| format!("{round}.{number} ")).collect();
        connection.send(&parts.iter().map(|part| chunk(part)).collect::<String>()).await;
        assert_eq!(data(&mut client, parts.concat().len()).await, parts.concat());
    }
}

#[tokio::test]
async fn the_beginning_of_a_chunk_is_passed_on_before_its_rest_has_arrived() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    for (piece, passed) in
        [("a\r\nhello", "hello"), ("world", "world"), ("\r\n5\r", ""), ("\nagain", "again")]
    {
        connection.send(piece).await;
        assert_eq!(data(&mut client, passed.len()).await, passed);
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_for_a_while_gets_every_part_in_order() {
    stop_reading_for_a_while().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_a_runtime_with_threads_that_stops_reading_gets_every_part_in_order() {
    stop_reading_for_a_while().await;
}

async fn stop_reading_for_a_while() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    let part = "0123456789".repeat(1_000);
    let sent = chunk(&part);
    let sending = tokio::spawn(async move {
        for _ in 0..1_000 {
            connection.send(&sent).await;
            tokio::task::yield_now().await;
        }
        connection.send("0\r\n\r\n").await;
    });
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    let received = data(&mut client, part.len() * 1_000).await;
    assert!(received == part.repeat(1_000));
    assert_eq!(client.chunk().await, None);
    sending.await.unwrap();
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut_off_s43a() {
    let mut rig = Rig::with(Limits { client_timeout: LIMIT, ..limits() }).await;
    let (mut client, mut connection) = stream(&mut rig).await;
    connection.send(&chunk("begins")).await;
    assert_eq!(client.chunk().await.unwrap(), "begins");
    let part = chunk(&"x".repeat(10_000));
    let sending = tokio::spawn(async move {
        while connection.send_at_last(&part).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..4_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.balancer.in_flight(rig.last_runner()), 1);
    too_long().await;
    sending.await.unwrap();
    until(|| rig.balancer.in_flight(rig.last_runner()) == 0).await;
}

#[tokio::test]
async fn what_comes_before_a_loss_arrives_and_the_response_has_no_end() {
    for loss in ["", "zz\r\n"] {
        let mut rig = Rig::new().await;
        let (mut client, mut connection) = stream(&mut rig).await;
        connection.send(&chunk("first")).await;
        assert_eq!(client.chunk().await.unwrap(), "first");
        connection.send(&(chunk("second") + loss)).await;
        drop(connection);
        assert_eq!(client.rest().await, b"6\r\nsecond\r\n");
    }
}

#[tokio::test]
async fn a_request_that_arrives_during_a_stream_is_served_after_it() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    for part in ["one", "two"] {
        connection.send(&chunk(part)).await;
        assert_eq!(client.chunk().await.unwrap(), part);
    }
    client.get("/next").await;
    connection.send(&chunk("three")).await;
    assert_eq!(client.chunk().await.unwrap(), "three");
    connection.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, None);
    assert_eq!(connection.message().await.start, "GET /next HTTP/1.1");
    connection.answer("next").await;
    assert_eq!(client.message().await.body, "next");
}

#[tokio::test]
async fn a_stream_goes_on_while_the_host_stops_and_ends_its_connection_s41() {
    let mut rig = Rig::new().await;
    let (mut client, mut connection) = stream(&mut rig).await;
    for part in ["one", "two"] {
        connection.send(&chunk(part)).await;
        assert_eq!(client.chunk().await.unwrap(), part);
    }
    rig.stop_server();
    connection.send(&(chunk("three") + "0\r\n\r\n")).await;
    assert_eq!(client.chunk().await.unwrap(), "three");
    assert_eq!(client.chunk().await, None);
    client.closed().await;
    rig.server_ended().await;
}

#[tokio::test]
async fn every_byte_of_a_stream_is_counted_s83b() {
    let (log, _guard) = Log::start(Level::INFO);
    let mut rig = Rig::with(Limits { access_log: true, ..limits() }).await;
    for is_whole in [true, false] {
        let (mut client, mut connection) = stream(&mut rig).await;
        for part in ["one", "three", "five"] {
            connection.send(&chunk(part)).await;
            assert_eq!(client.chunk().await.unwrap(), part);
        }
        if is_whole {
            connection.send("0\r\n\r\n").await;
            assert_eq!(client.chunk().await, None);
        } else {
            drop(client);
            connection.closed().await;
        }
    }
    until(|| log.lines().iter().filter(|line| line.contains("bytes=12")).count() == 2).await;
}

#[tokio::test]
async fn small_responses_to_a_client_that_reads_late_arrive_in_order() {
    read_late().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_responses_of_a_runtime_with_threads_to_a_client_that_reads_late_arrive_in_order() {
    read_late().await;
}

async fn read_late() {
    const COUNT: usize = 2_000;
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&"GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(COUNT)).await;
    let mut connection = runner.accept().await;
    let body = |number: usize| format!("{number:04}").repeat(750);
    let answering = tokio::spawn(async move {
        for number in 0..COUNT {
            connection.message().await;
            connection.answer(&body(number)).await;
        }
        connection
    });
    // Until the sockets between are full.
    for _ in 0..4_000 {
        tokio::task::yield_now().await;
    }
    for number in 0..COUNT {
        assert!(client.message().await.body == body(number), "{number}");
    }
    answering.await.unwrap();
}

#[tokio::test]
async fn a_small_response_that_closes_its_connection_arrives_whole() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for version in ["1.0", "1.1"] {
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/{version}\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlast").await;
        assert_eq!(client.message().await.body, "last");
        client.closed().await;
    }
}
