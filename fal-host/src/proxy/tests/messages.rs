//! What arrives of a request and of a response, and what does not.

use tokio::net::TcpListener;

use super::{Message, Peer, Rig, within};
use crate::{Address, RunnerId};

/// What a runner gets for a request, and what the client gets for its response.
pub(super) async fn through(request: &str, response: &str) -> (Message, Message) {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(request).await;
    let mut connection = runner.accept().await;
    let received = connection.message().await;
    connection.send(response).await;
    let answered = client.message().await;
    (received, answered)
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_request_and_its_response_pass_as_they_are() {
    let (request, response) = through(
        "POST /a/b?c=d HTTP/1.1\r\nhost: example.org\r\ncontent-length: 5\r\nx-own: 1\r\n\r\nhello",
        "HTTP/1.1 207 Unusual\r\ncontent-length: 3\r\nx-theirs: 2\r\ndate: Tue\r\n\r\nyes",
    )
    .await;
    assert_eq!(request.start, "POST /a/b?c=d HTTP/1.1");
    assert_eq!(request.header("host"), Some("example.org"));
    assert_eq!(request.header("x-own"), Some("1"));
    assert_eq!(request.body, "hello");
    assert_eq!(response.start, "HTTP/1.1 207 Unusual");
    assert_eq!(response.header("x-theirs"), Some("2"));
    assert_eq!(response.header("date"), Some("Tue"));
    assert_eq!(response.body, "yes");
}

#[tokio::test]
async fn what_concerns_one_connection_stays_on_it_both_ways() {
    let (request, response) = through(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: 9\r\nte: gzip\r\n\
         upgrade: websocket\r\nproxy-connection: x\r\nproxy-authorization: y\r\nx-end: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: x-back, close\r\nx-back: 1\r\nkeep-alive: 9\r\nproxy-authenticate: z\r\n\
         upgrade: h2c\r\nx-end: 3\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    for name in
        ["connection", "x-hop", "keep-alive", "te", "upgrade", "proxy-connection", "proxy-authorization"]
    {
        assert_eq!(request.header(name), None, "{name}");
    }
    assert_eq!(request.header("x-end"), Some("2"));
    for name in ["connection", "x-back", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert_eq!(response.header(name), None, "{name}");
    }
    assert_eq!(response.header("x-end"), Some("3"));
}

#[tokio::test]
async fn a_clients_request_for_a_check_reaches_no_runner_s28a() {
    let request = "GET / HTTP/1.1\r\nhost: a\r\nX-Fal-Runner-Health-Check: true\r\nx-fal-runner-health-check: 1\r\n\r\n";
    let (request, _) = through(request, OK).await;
    assert!(request.all("x-fal-runner-health-check").is_empty());
}

#[tokio::test]
async fn a_response_has_the_id_of_its_request_or_one_that_the_host_makes() {
    let (request, response) =
        through("GET / HTTP/1.1\r\nhost: a\r\nx-fal-request-id: mine\r\n\r\n", OK).await;
    assert_eq!(request.header("x-fal-request-id"), Some("mine"));
    assert_eq!(response.header("x-fal-request-id"), Some("mine"));

    let theirs = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-fal-request-id: other\r\n\r\n";
    let (request, response) = through("GET / HTTP/1.1\r\nhost: a\r\n\r\n", theirs).await;
    assert_eq!(request.header("x-fal-request-id"), response.header("x-fal-request-id"));
    assert_ne!(response.header("x-fal-request-id"), Some("other"));
}

#[tokio::test]
async fn a_client_of_http_1_0_is_served_and_the_runner_sees_1_1() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let mut connection = runner.accept().await;
    let request = connection.message().await;
    assert_eq!(request.start, "GET / HTTP/1.1");
    assert_eq!(request.header("host"), Some(""));
    connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    let response = client.head().await;
    assert_eq!(response.start, "HTTP/1.0 200 OK");
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(client.exactly(2).await, "ok");
    client.closed().await;
}

#[tokio::test]
async fn a_client_of_http_1_0_is_told_that_a_response_without_a_length_ends_its_connection() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for (response, connection_field) in [
        ("content-length: 2\r\n\r\nok", "keep-alive"),
        ("transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "close"),
    ] {
        let mut client = rig.client().await;
        client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await;
        let mut connection = runner.accept().await;
        connection.message().await;
        connection.send(&format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{response}")).await;
        assert_eq!(client.head().await.header("connection"), Some(connection_field));
        assert_eq!(client.exactly(2).await, "ok");
    }
}

#[tokio::test]
async fn a_runner_of_http_1_0_does_not_make_its_client_one() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send("HTTP/1.0 200 OK\r\n\r\nok").await;
    drop(connection);
    let response = client.message().await;
    assert_eq!(response.start, "HTTP/1.1 200 OK");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.body, "ok");
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.send("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let response = client.message().await;
    assert_eq!((response.start.as_str(), response.header("connection")), ("HTTP/1.1 200 OK", None));
}

#[tokio::test]
async fn a_body_is_forwarded_as_it_arrives_in_both_directions() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.head().await.header("transfer-encoding"), Some("chunked"));
    assert_eq!(connection.chunk().await.unwrap(), "ab");
    client.send("1\r\nc\r\n0\r\n\r\n").await;
    assert_eq!(connection.chunk().await.unwrap(), "c");
    assert_eq!(connection.chunk().await, None);

    connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n").await;
    assert_eq!(client.head().await.header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.chunk().await.unwrap(), "x");
    connection.send("2\r\nyz\r\n0\r\n\r\n").await;
    assert_eq!(client.chunk().await.unwrap(), "yz");
    assert_eq!(client.chunk().await, None);
}

#[tokio::test]
async fn a_body_in_chunks_is_no_less_a_body_on_a_get() {
    let (request, _) = through(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OK,
    )
    .await;
    assert_eq!(request.body, "ab");
}

#[tokio::test]
async fn a_response_that_ends_with_trailers_releases_its_permit_and_keeps_its_connection() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n";
    connection.send(&format!("{head}0\r\nx-sum: 7\r\n\r\n")).await;
    client.message().await;
    client.get("/next").await;
    assert_eq!(connection.message().await.start, "GET /next HTTP/1.1");
}

#[tokio::test]
async fn responses_without_a_body_keep_their_headers_and_their_connection() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.start, "HEAD / HTTP/1.1");
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
    assert_eq!(client.head().await.header("content-length"), Some("1000"));

    for status in ["204 No Content", "304 Not Modified"] {
        client.get("/").await;
        connection.message().await;
        connection.send(&format!("HTTP/1.1 {status}\r\netag: x\r\n\r\n")).await;
        let response = client.head().await;
        assert_eq!(response.start, format!("HTTP/1.1 {status}"));
        assert_eq!(response.header("etag"), Some("x"));
    }
    client.get("/").await;
    connection.message().await;
    connection.answer("still the same connection").await;
    assert_eq!(client.message().await.body, "still the same connection");
}

#[tokio::test]
async fn a_runner_behind_tcp_is_served_as_well() {
    let rig = Rig::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    rig.balancer.add(RunnerId::new(1), Address::Tcp(listener.local_addr().unwrap()));
    let mut client = rig.get("/").await;
    let mut connection = Peer::new(within(listener.accept()).await.unwrap().0);
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(client.message().await.body, "ok");
}
