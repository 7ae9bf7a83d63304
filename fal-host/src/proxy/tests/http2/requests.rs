//! What a stream has in common with a connection of HTTP/1.1: its request and its response.

use bytes::Bytes;
use http::header::{COOKIE, HOST};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::BodyExt;

use super::client::{Http2Client, answered, get, post, upload};
use super::frames::{self, FramePeer};
use crate::RunnerId;
use crate::proxy::Limits;
use crate::proxy::tests::rig::limits;
use crate::proxy::tests::tls::Certificate;
use crate::proxy::tests::{Rig, until, within};

#[tokio::test]
async fn clients_of_both_versions_share_a_listener_s51a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut old, mut connection) = rig.request("/", &runner).await;
    connection.answer("of 1.1").await;
    assert_eq!(old.message().await.body, "of 1.1");
    let mut client = Http2Client::connect(&rig).await;
    let response = client.get("/");
    assert_eq!(connection.message().await.start, "GET / HTTP/1.1");
    connection.answer("of 2").await;
    assert_eq!(answered(response).await.body.unwrap(), "of 2");
}

#[tokio::test]
async fn a_client_of_tls_chooses_by_alpn_s51a_s50a() {
    let certificate = Certificate::new();
    let mut rig = Rig::with(certificate.limits()).await;
    let runner = rig.runner();
    let stream = certificate.connect(&rig, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = Http2Client::over(stream).await;
    let response = client.get("/");
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.header("x-forwarded-proto"), Some("https"));
    connection.answer("secure").await;
    assert_eq!(answered(response).await.body.unwrap(), "secure");
}

#[tokio::test]
async fn a_request_may_have_100_fields_and_a_cookie_in_crumbs_is_one_s51b_s38f() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let with_fields = |count: usize| {
        let mut request = get("/");
        for number in 0..count {
            request.headers_mut().append("x-own", HeaderValue::from(number));
            request.headers_mut().append(COOKIE, HeaderValue::from_static("a=1"));
        }
        request
    };
    // The others are `host` and `cookie`.
    let response = client.send(with_fields(98));
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("ok").await;
    assert_eq!(answered(response).await.body.unwrap(), "ok");
    let refused = answered(client.send(with_fields(99))).await;
    assert_eq!(
        (refused.status, refused.error_type().as_str()),
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
    );
}

#[tokio::test]
async fn the_head_of_a_request_is_the_one_of_http_1_1_s51b_s45e_s45f() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let mut request = get("/a?b=c");
    let headers = request.headers_mut();
    headers.insert("x-own", HeaderValue::from_static("1"));
    headers.insert("te", HeaderValue::from_static("trailers"));
    headers.insert("x-fal-runner-health-check", HeaderValue::from_static("1"));
    headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6"));
    headers.append(COOKIE, HeaderValue::from_static("a=1"));
    headers.append(COOKIE, HeaderValue::from_static("b=2"));
    let response = client.send(request);
    let mut connection = runner.accept().await;
    let head = connection.message().await;
    assert_eq!(head.start, "GET /a?b=c HTTP/1.1");
    let fields = [
        "host",
        "x-own",
        "te",
        "x-fal-runner-health-check",
        "x-forwarded-for",
        "cookie",
        "transfer-encoding",
    ];
    let values = fields.map(|name| head.header(name).map(str::to_owned));
    let expected =
        [Some("test"), Some("1"), Some("trailers"), None, Some("127.0.0.1"), Some("a=1; b=2"), None];
    assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
    let id = head.header("x-fal-request-id").unwrap();
    connection.answer_with("connection: keep-alive\r\nkeep-alive: timeout=9\r\nx-own: 2\r\n", "ok").await;
    let answer = answered(response).await;
    assert_eq!((answer.status, answer.body.unwrap().as_str()), (StatusCode::OK, "ok"));
    assert_eq!(answer.headers["x-fal-request-id"], id);
    assert_eq!(answer.headers["x-own"], "2");
    assert!(!answer.headers.contains_key("keep-alive") && !answer.headers.contains_key("connection"));
}

#[tokio::test]
async fn a_host_that_differs_from_the_authority_is_refused_s51b_s45e() {
    let rig = Rig::new().await;
    let mut client = Http2Client::connect(&rig).await;
    let mut request = get("/");
    request.headers_mut().insert(HOST, HeaderValue::from_static("other"));
    let answer = answered(client.send(request)).await;
    assert_eq!((answer.status.as_u16(), answer.error_type().as_str()), (400, "bad_host"));
}

#[tokio::test]
async fn an_asterisk_is_the_target_of_options_alone_s51b_s45e() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let asterisk = |method: &str| {
        let mut request = get("/");
        *request.method_mut() = method.parse().unwrap();
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some("*".parse().unwrap());
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        request
    };
    let refused = answered(client.send(asterisk("GET"))).await;
    assert_eq!((refused.status.as_u16(), refused.error_type().as_str()), (400, "bad_target"));
    let response = client.send(asterisk("OPTIONS"));
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.start, "OPTIONS * HTTP/1.1");
    connection.answer("ok").await;
    assert_eq!(answered(response).await.body.unwrap(), "ok");
}

#[tokio::test]
async fn trailers_pass_although_the_request_has_a_length_and_waits_without_a_permit_s51b_s45c_s56a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let (mut body, mut request) = upload();
    request.headers_mut().insert("trailer", HeaderValue::from_static("x-sum, x-forwarded-for"));
    request.headers_mut().insert("content-length", HeaderValue::from_static("5"));
    let response = client.send(request);
    body.send_data(Bytes::from_static(b"hello")).await.unwrap();
    let mut other = rig.get("/other").await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.start, "GET /other HTTP/1.1", "the upload has no permit yet");
    connection.answer("other").await;
    other.message().await;
    body.send_trailers([("x-sum".parse().unwrap(), HeaderValue::from_static("5"))].into_iter().collect())
        .await
        .unwrap();
    drop(body);
    let head = connection.head().await;
    assert_eq!((head.header("transfer-encoding"), head.header("content-length")), (Some("chunked"), None));
    assert_eq!(head.header("trailer"), Some("x-sum"));
    assert_eq!(connection.chunk().await.unwrap(), "hello");
    assert_eq!([connection.line().await, connection.line().await], ["0", "x-sum: 5"]);
    assert_eq!(connection.line().await, "");
    connection.answer("ok").await;
    assert_eq!(answered(response).await.body.unwrap(), "ok");
}

#[tokio::test]
async fn bodies_and_trailers_pass_both_ways_s51b_s45c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let (mut body, mut request) = upload();
    request.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
    let response = client.send(request);
    body.send_data(Bytes::from_static(b"hello")).await.unwrap();
    let mut connection = runner.accept().await;
    assert_eq!(connection.head().await.header("transfer-encoding"), Some("chunked"));
    assert_eq!(connection.chunk().await.unwrap(), "hello");
    let trailers = HeaderMap::from_iter([
        ("x-sum".parse().unwrap(), HeaderValue::from_static("5")),
        ("x-forwarded-for".parse().unwrap(), HeaderValue::from_static("6.6.6.6")),
    ]);
    body.send_trailers(trailers).await.unwrap();
    drop(body);
    assert_eq!(connection.line().await, "0");
    assert_eq!(connection.line().await, "x-sum: 5");
    assert_eq!(connection.line().await, "");
    connection
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n2\r\nok\r\n0\r\nx-end: 1\r\n\r\n")
        .await;
    let answer = answered(response).await;
    assert_eq!(answer.body.unwrap(), "ok");
    assert_eq!(answer.trailers["x-end"], "1");
}

#[tokio::test]
async fn a_response_asks_for_a_check_s51b_s27a_s28c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let response = client.get("/");
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer_with("x-fal-runner-health-check: 1\r\n", "ok").await;
    let answer = answered(response).await;
    assert!(!answer.headers.contains_key("x-fal-runner-health-check"));
    within(rig.asked.notified()).await;
    assert_eq!(rig.balancer.take_asked(), [runner.id]);
}

#[tokio::test]
async fn requests_of_one_connection_are_served_beside_each_other_and_wait_for_permits_s51b_s38a_s38d() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, queue: 1, ..limits() }).await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let first = client.get("/1");
    let mut one = runner.accept().await;
    one.message().await;
    let second = client.get("/2");
    let mut two = runner.accept().await;
    two.message().await;
    let third = client.get("/3");
    until(|| rig.balancer.waiting() == 1).await;
    let refused = answered(client.get("/4")).await;
    assert_eq!((refused.status.as_u16(), refused.error_type().as_str()), (503, "queue_full"));
    two.answer("2").await;
    assert_eq!(answered(second).await.body.unwrap(), "2");
    assert_eq!(two.message().await.start, "GET /3 HTTP/1.1");
    two.answer("3").await;
    assert_eq!(answered(third).await.body.unwrap(), "3");
    one.answer("1").await;
    assert_eq!(answered(first).await.body.unwrap(), "1");
}

#[tokio::test]
async fn a_client_that_resets_its_stream_has_left_s51b_s38b_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let served = client.get("/served");
    let mut connection = runner.accept().await;
    connection.message().await;
    let waiting = client.get("/waiting");
    until(|| rig.balancer.waiting() == 1).await;
    waiting.abort();
    until(|| rig.balancer.waiting() == 0).await;
    served.abort();
    connection.closed().await;
    assert_eq!(rig.balancer.in_flight(RunnerId::new(1)), 1, "the call may still run");
    drop(connection);
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
    let next = client.get("/next");
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("next").await;
    assert_eq!(answered(next).await.body.unwrap(), "next");
}

#[tokio::test]
async fn a_client_that_closes_its_connection_has_left_with_all_its_streams_s51b_s38b() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let mut peer = FramePeer::connect(&rig).await;
    assert!(peer.send(&[frames::get(1), frames::get(3)].concat()).await);
    let mut connections = [runner.accept().await, runner.accept().await];
    drop(peer);
    for connection in &mut connections {
        connection.closed().await;
    }
    drop(connections);
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
}

#[tokio::test]
async fn a_response_that_breaks_off_resets_its_stream_alone_s51b_s39d() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let broken = client.get("/broken");
    let mut one = runner.accept().await;
    one.message().await;
    let whole = client.get("/whole");
    let mut two = runner.accept().await;
    two.message().await;
    one.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    drop(one);
    assert!(answered(broken).await.body.is_err());
    two.answer("whole").await;
    assert_eq!(answered(whole).await.body.unwrap(), "whole");
}

#[tokio::test]
async fn a_lost_request_is_answered_and_one_that_was_not_written_moves_s51b_s39b_s39c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let lost = client.send(post("hello"));
    let mut connection = runner.accept().await;
    connection.message().await;
    drop(connection);
    let answer = answered(lost).await;
    assert_eq!((answer.status.as_u16(), answer.error_type().as_str()), (503, "runner_disconnected"));
    rig.balancer.remove(runner.id);
    rig.deaf();
    let moved = client.send(post("again"));
    rig.report().await;
    let other = rig.runner();
    let mut connection = other.accept().await;
    assert_eq!(connection.message().await.body, "again");
    connection.answer("moved").await;
    assert_eq!(answered(moved).await.body.unwrap(), "moved");
}

#[tokio::test]
async fn an_early_response_ends_its_request_and_keeps_the_connection_s51b_s43e() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let (mut body, request) = upload();
    let response = client.send(request);
    body.send_data(Bytes::from_static(b"a part")).await.unwrap();
    let mut connection = runner.accept().await;
    connection.head().await;
    connection.send("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno").await;
    let answer = answered(response).await;
    assert_eq!((answer.status.as_u16(), answer.body.unwrap().as_str()), (413, "no"));
    assert!(!answer.headers.contains_key("connection"));
    until(|| rig.balancer.in_flight(RunnerId::new(1)) == 0).await;
    let next = client.get("/");
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer("next").await;
    assert_eq!(answered(next).await.body.unwrap(), "next");
}

#[tokio::test]
async fn connect_is_refused_s51c_s38f() {
    let rig = Rig::new().await;
    let mut client = Http2Client::connect(&rig).await;
    let request = Request::connect("test:443").body(http_body_util::Empty::new().boxed()).unwrap();
    let answer = within(client.send_for_head(request)).await.unwrap().unwrap();
    assert_eq!(answer.status().as_u16(), 501);
}
