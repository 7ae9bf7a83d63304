//! Messages with oversized parts, and with too many parts.

use tokio::sync::mpsc;

use super::strict::Strict;
use super::{Rig, answer_with, assert_unharmed, exchange};

const MEGABYTE: usize = 1024 * 1024;

#[tokio::test]
async fn a_request_bomb_is_refused_and_costs_no_more_than_its_limit_s43h() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let id = runner.id;
    let (requests, _received) = mpsc::unbounded_channel();
    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
    let serving = tokio::spawn(answer_with(runner, response, requests));
    let get = "GET / HTTP/1.1\r\nhost: a\r\n";
    let post = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for (bomb, expected) in [
        ("G".repeat(MEGABYTE), 431),
        (format!("GET /{}", "a".repeat(MEGABYTE)), 431),
        (format!("{get}{}: b\r\n\r\n", "a".repeat(MEGABYTE)), 431),
        (format!("{get}a: {}", "b".repeat(MEGABYTE)), 431),
        (format!("{get}{}\r\n", "a: b\r\n".repeat(150)), 431),
        (format!("{get}{}", "a: b\r\n".repeat(MEGABYTE / 6)), 431),
        (format!("{post}1;{}", "e".repeat(MEGABYTE)), 400),
        (format!("{post}{}", "1;eeeeeeeeeeee\r\na\r\n".repeat(MEGABYTE / 20)), 400),
        (format!("{post}0\r\na: {}", "b".repeat(MEGABYTE)), 400),
        (format!("{post}0\r\n{}", "a: b\r\n".repeat(MEGABYTE / 6)), 400),
        (format!("{post}{}", "f".repeat(MEGABYTE)), 400),
    ] {
        let answer = Strict::response(&exchange(&rig, bomb.as_bytes()).await).unwrap();
        assert_eq!((answer.status(), answer.is_whole()), (expected, true), "{bomb:.60}: {answer:?}");
    }
    assert_unharmed(&mut rig, id).await;
    let next = exchange(&rig, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert_eq!(Strict::response(&next).unwrap().status(), 200);
    serving.abort();
}

#[tokio::test]
async fn a_response_bomb_ends_its_response_and_nothing_else_s39c_s45d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let ok = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (bomb, expected) in [
        (format!("{ok}a: {}", "b".repeat(MEGABYTE)), 503),
        (format!("{ok}{}", "a: b\r\n".repeat(MEGABYTE / 6)), 503),
        (format!("HTTP/1.1 200 {}", "O".repeat(MEGABYTE)), 503),
        (format!("{chunked}1;{}", "e".repeat(MEGABYTE)), 200),
        (format!("{chunked}0\r\n{}", "a: b\r\n".repeat(MEGABYTE / 6)), 200),
        (format!("{chunked}{}", "f".repeat(MEGABYTE)), 200),
    ] {
        let mut client = rig.client().await;
        client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        let mut connection = runner.accept().await;
        connection.head().await;
        let sending = tokio::spawn(async move {
            let _ = connection.try_send_bytes(bomb.as_bytes()).await;
            connection.closed().await;
        });
        let answer = Strict::response(&client.rest().await).unwrap();
        assert_eq!((answer.status(), answer.is_whole()), (expected, expected == 503), "{answer:?}");
        sending.await.unwrap();
        assert_unharmed(&mut rig, runner.id).await;
    }
}

#[tokio::test]
async fn a_flood_of_interim_responses_reaches_a_client_only_as_far_as_it_reads_s45g() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let mut connection = runner.accept().await;
    connection.head().await;
    let hints = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(1_000));
    connection.send(&hints.repeat(1_000)).await;
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let answer = Strict::response(&client.rest().await).unwrap();
    assert_eq!((answer.status(), answer.body.as_slice()), (200, &b"ok"[..]));
    drop(connection);
    assert_unharmed(&mut rig, runner.id).await;
}
