//! What requests are for, and for whom they are forwarded (S45).

use super::Rig;
use super::messages::{OK, through};
use super::rig::limits;
use crate::proxy::Limits;

#[tokio::test]
async fn an_absolute_target_becomes_a_path_and_its_authority_the_host() {
    let (request, _) = through("GET http://example.org:81/a?b HTTP/1.1\r\nhost: other\r\n\r\n", OK).await;
    assert_eq!(request.start, "GET /a?b HTTP/1.1");
    assert_eq!(request.header("host"), Some("example.org:81"));

    let (request, _) = through("GET http://example.org HTTP/1.1\r\nhost: other\r\n\r\n", OK).await;
    assert_eq!(request.start, "GET / HTTP/1.1");
    for (authority, path) in [("example.org#b", "/"), ("example.org?c", "/?c"), ("example.org?", "/?")] {
        let (request, _) =
            through(&format!("GET http://{authority} HTTP/1.1\r\nhost: other\r\n\r\n"), OK).await;
        assert_eq!(request.start, format!("GET {path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn options_of_a_whole_server_has_an_asterisk_as_its_target_s45e() {
    for (target, expected) in [
        ("*", "*"),
        ("http://example.org", "*"),
        ("http://example.org:81", "*"),
        ("http://example.org/", "/"),
        ("http://example.org?a", "/?a"),
        ("/", "/"),
    ] {
        let (request, _) = through(&format!("OPTIONS {target} HTTP/1.1\r\nhost: a\r\n\r\n"), OK).await;
        assert_eq!(request.start, format!("OPTIONS {expected} HTTP/1.1"), "{target}");
    }
}

#[tokio::test]
async fn a_target_that_is_neither_a_path_nor_a_url_is_refused_s45e() {
    let rig = Rig::new().await;
    for target in
        ["foo", "u:p@evil:80", "http://u:p@a/", "http://u@a", "*", "ftp://a/", "http://", "evil.example"]
    {
        let mut client = rig.client().await;
        client.send(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        let refused = client.head().await;
        assert_eq!(refused.status(), 400, "{target}");
    }
    let mut client = rig.client().await;
    client.send("CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n").await;
    let refused = client.message().await;
    assert_eq!(refused.status(), 501);
    assert!(refused.header("x-fal-request-id").is_some());
}

#[tokio::test]
async fn a_request_without_exactly_one_valid_host_is_refused_s45e() {
    let rig = Rig::new().await;
    for headers in [
        "",
        "host: a\r\nhost: b\r\n",
        "host: a\r\nHost: a\r\n",
        "host: a b\r\n",
        "host: u@a\r\n",
        "host: a/b\r\n",
        "host: []\r\n",
        "host: a:99999\r\n",
        "host: a,b\r\n",
    ] {
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
        let refused = client.message().await;
        assert_eq!((refused.status(), refused.error_type().as_str()), (400, "bad_host"), "{headers:?}");
    }
}

const FORWARDED: &str = "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 1.1.1.1, 2.2.2.2\r\nx-forwarded-for: 3.3.3.3\r\n\
                         x-forwarded-proto: https\r\nx-forwarded-host: evil\r\nforwarded: for=1.1.1.1\r\nx-real-ip: 1.1.1.1\r\n\
                         x_forwarded_for: 9.9.9.9\r\nx_real_ip: 9.9.9.9\r\nContent_Length: 9\r\nx-fal-request-id: one\r\nx-fal-request-id: two\r\n\r\n";

#[tokio::test]
async fn forwarding_headers_of_a_client_are_replaced_s45f() {
    let (request, response) = through(FORWARDED, OK).await;
    assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    for name in
        ["x-forwarded-host", "forwarded", "x-real-ip", "x_forwarded_for", "x_real_ip", "content_length"]
    {
        assert_eq!(request.header(name), None, "{name}");
    }
    assert_eq!(request.header("x-fal-request-id"), Some("one"));
    assert_eq!(response.header("x-fal-request-id"), Some("one"));
}

#[tokio::test]
async fn forwarding_headers_of_a_trusted_proxy_are_kept_and_extended_s45f() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let mut rig = Rig::with(Limits { trusted_proxies, ..limits() }).await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(FORWARDED).await;
    let request = runner.accept().await.message().await;
    assert_eq!(request.header("x-forwarded-for"), Some("1.1.1.1, 2.2.2.2, 3.3.3.3, 127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("https"));
    assert_eq!(request.header("x-forwarded-host"), Some("evil"));
    assert_eq!(request.header("forwarded"), Some("for=1.1.1.1, for=127.0.0.1;proto=http"));
    assert_eq!(request.header("x-real-ip"), Some("1.1.1.1"));
    for name in ["x_forwarded_for", "x_real_ip", "content_length"] {
        assert_eq!(request.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn quotes_and_angle_brackets_in_a_target_are_forwarded_percent_encoded_s45j() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send("GET /<a>?b=\"c\" HTTP/1.1\r\nhost: a\r\nx-own: \"<>\r\n\r\n").await;
    let mut connection = runner.accept().await;
    let head = connection.message().await;
    assert_eq!(
        (head.start.as_str(), head.header("x-own")),
        ("GET /%3Ca%3E?b=%22c%22 HTTP/1.1", Some("\"<>"))
    );
    connection.answer("1").await;
    client.message().await;
    // What needs more room than what was read has.
    let query = "\"".repeat(9_000);
    client.send(&format!("POST /?{query} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n\"<>")).await;
    let message = connection.message().await;
    assert_eq!(message.start, format!("POST /?{} HTTP/1.1", "%22".repeat(9_000)));
    assert_eq!(message.body, "\"<>");
    connection.answer("2").await;
    assert_eq!(client.message().await.body, "2");
}
