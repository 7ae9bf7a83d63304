//! Every byte value in every part of a head, in both directions.

use tokio::sync::mpsc;

use super::strict::Strict;
use super::{Rig, answer_with, assert_unharmed, exchange};

/// The parts of a request's head. `@` is where the byte is.
const REQUEST_PARTS: [&str; 13] = [
    "@GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "G@T / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET@/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET /a@b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET /?a@b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET http://a@b/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.@\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.1\r@host: a\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a@b\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\nx-@a: b\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\nx-a@ b\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\nx-a: b@c\r\nconnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nconnection: @\r\n\r\n",
];

/// The parts of a response's head. The runner closes its connection after it.
const RESPONSE_PARTS: [&str; 11] = [
    "@HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.@ 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1@200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 @00 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 20@ OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 O@K\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 0@\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunke@\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx-@a: b\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx-a: b@c\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 103 Hints\r\nx-a: b@c\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
];

fn with(part: &str, byte: u8) -> Vec<u8> {
    let (before, after) = part.split_once('@').unwrap();
    [before.as_bytes(), &[byte], after.as_bytes()].concat()
}

#[tokio::test]
async fn a_request_with_any_byte_anywhere_is_refused_or_forwarded_as_a_valid_one_s45e_s38f() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let id = runner.id;
    let (requests, mut received) = mpsc::unbounded_channel();
    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    let serving = tokio::spawn(answer_with(runner, response, requests));
    for (part, byte) in REQUEST_PARTS.iter().flat_map(|part| (0..=255).map(move |byte| (part, byte))) {
        let answer = exchange(&rig, &with(part, byte)).await;
        let answer = Strict::response(&answer).unwrap_or_else(|why| panic!("{byte:#x} in {part:?}: {why}"));
        assert!(answer.is_whole(), "{byte:#x} in {part:?}: {answer:?}");
        let forwarded = received.try_recv().ok();
        match answer.status() {
            200 => {
                let request = forwarded.expect("the runner has got it");
                Strict::request(&request).unwrap_or_else(|why| panic!("{byte:#x} in {part:?}: {why}"));
            }
            400 => {
                assert!(forwarded.is_none(), "{byte:#x} in {part:?}: it is forwarded and refused");
                let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                assert!(body["error_type"].is_string(), "{byte:#x} in {part:?}");
            }
            status => panic!("{byte:#x} in {part:?}: status {status}"),
        }
    }
    assert_unharmed(&mut rig, id).await;
    serving.abort();
}

#[tokio::test]
async fn a_response_with_any_byte_anywhere_is_replaced_or_passed_on_as_a_valid_one_s39c_s45a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for (part, byte) in RESPONSE_PARTS.iter().flat_map(|part| (0..=255).map(move |byte| (part, byte))) {
        let mut client = rig.client().await;
        client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        let mut connection = runner.accept().await;
        connection.head().await;
        // The host may have closed the connection after the first part.
        let _ = connection.try_send_bytes(&with(part, byte)).await;
        drop(connection);
        let answer = client.rest().await;
        let answer = Strict::response(&answer).unwrap_or_else(|why| panic!("{byte:#x} in {part:?}: {why}"));
        if answer.status() == 503 {
            assert!(answer.is_whole(), "{byte:#x} in {part:?}: {answer:?}");
        }
    }
    assert_unharmed(&mut rig, runner.id).await;
}
