//! Heads that cannot be read as a request, and what their clients get (S38f).

use super::Rig;
use super::rig::limits;
use crate::proxy::Limits;

async fn refused_by(rig: &Rig, head: &str) -> (u16, String) {
    let mut client = rig.client().await;
    client.send(head).await;
    let refused = client.message().await;
    assert_eq!(refused.header("connection"), Some("close"), "{head:.40}");
    assert_eq!(refused.header("content-type"), Some("application/json"), "{head:.40}");
    assert!(refused.header("x-fal-request-id").is_some(), "{head:.40}");
    let answer = (refused.status(), refused.error_type());
    client.closed().await;
    answer
}

#[tokio::test]
async fn every_head_that_cannot_be_read_is_answered_with_json_s38f() {
    let rig = Rig::with(Limits { max_head: 128 * 1024, ..limits() }).await;
    let fields = "a: b\r\n".repeat(101);
    let target = format!("/{}", "a".repeat(65_535));
    for (head, status, error_type) in [
        ("G\u{7f}T / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "bad_head"),
        ("GET / HTTP/3.0\r\nhost: a\r\n\r\n", 400, "bad_head"),
        ("GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n", 400, "bad_head"),
        ("GET / HTTP/1.1\r\nhost: a\r\nname : b\r\n\r\n", 400, "bad_head"),
        ("GET / HTTP/1.1\r\nhost: a\r\nname\r\n\r\n", 400, "bad_head"),
        ("GET / HTTP/1.1\r\nhost: a\r\nname: \u{0}\r\n\r\n", 400, "bad_head"),
        ("GET /?a=\u{1}b HTTP/1.1\r\nhost: a\r\n\r\n", 400, "bad_target"),
        ("GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", 400, "bad_head"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 2\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding:\r\n\r\n", 400, "bad_framing"),
        ("POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", 400, "bad_framing"),
        (&format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n"), 431, "head_too_large"),
        (&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"), 414, "target_too_long"),
    ] {
        assert_eq!(refused_by(&rig, head).await, (status, error_type.to_owned()), "{head:.80}");
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_read_after_a_request_is_answered_after_its_response_s38f() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
    client.send("what?\r\n\r\n").await;
    assert_eq!(client.message().await.error_type(), "bad_head");
    client.closed().await;
}

#[tokio::test]
async fn the_last_bytes_of_a_response_are_no_refusal() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.get("/").await;
    let mut connection = runner.accept().await;
    for round in 0..3 {
        connection.message().await;
        connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        assert_eq!(client.head().await.status(), 200);
        connection.send("2\r\nok\r\n").await;
        assert_eq!(client.chunk().await.unwrap(), "ok", "{round}");
        connection.send("0\r\n\r\n").await;
        assert_eq!(client.chunk().await, None);
        client.get("/").await;
    }
    let mut client = rig.client().await;
    client.send("HEAD / HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.head().await.status(), 400);
}
