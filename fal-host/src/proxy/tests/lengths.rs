//! The lengths of responses without content: to HEAD, of 204 and 304, and of empty ones (S45k).

use super::Rig;

/// What a client gets of a response: its status, `content-length` and `transfer-encoding`.
type Framing = (u16, Option<&'static str>, Option<&'static str>);

/// A method, a response, and what clients of HTTP/1.1 get of it.
pub(super) const RESPONSES: [(&str, &str, Framing); 15] = [
    ("HEAD", "200 OK\r\ncontent-length: 123", (200, Some("123"), None)),
    ("HEAD", "200 OK\r\ncontent-length: 0", (200, Some("0"), None)),
    ("HEAD", "200 OK\r\ntransfer-encoding: chunked", (200, None, None)),
    ("HEAD", "200 OK\r\nx-own: 1", (200, None, None)),
    ("HEAD", "404 Not Found\r\ncontent-length: 9", (404, Some("9"), None)),
    (
        "HEAD",
        "103 Early Hints\r\ncontent-length: 7\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 123",
        (200, Some("123"), None),
    ),
    ("HEAD", "304 Not Modified\r\ncontent-length: 123", (304, None, None)),
    ("GET", "304 Not Modified\r\ncontent-length: 123\r\netag: \"a\"", (304, None, None)),
    ("GET", "304 Not Modified\r\netag: \"a\"", (304, None, None)),
    ("GET", "304 Not Modified\r\ntransfer-encoding: chunked", (304, None, None)),
    ("GET", "204 No Content\r\ncontent-length: 0", (204, None, None)),
    ("GET", "204 No Content\r\ncontent-length: 5", (204, None, None)),
    ("GET", "204 No Content\r\ntransfer-encoding: chunked", (204, None, None)),
    ("GET", "205 Reset Content\r\ncontent-length: 0", (205, Some("0"), None)),
    ("GET", "200 OK\r\ncontent-length: 0", (200, Some("0"), None)),
];

/// Sends each request on one connection of a client and one of the runner: the next response shows where the one before it ended.
async fn framings(version: &str) -> Vec<(u16, Option<String>, Option<String>)> {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    let mut connection = None;
    let mut framings = Vec::new();
    for (method, response, _) in RESPONSES {
        client.send(&format!("{method} / {version}\r\nhost: a\r\nconnection: keep-alive\r\n\r\n")).await;
        let mut upstream = match connection.take() {
            Some(connection) => connection,
            None => runner.accept().await,
        };
        upstream.message().await;
        upstream.send(&format!("HTTP/1.1 {response}\r\n\r\n")).await;
        let mut head = client.head().await;
        while head.status() < 200 {
            head = client.head().await;
        }
        let field = |name| head.header(name).map(str::to_owned);
        framings.push((head.status(), field("content-length"), field("transfer-encoding")));
        connection = Some(upstream);
    }
    framings
}

fn expected() -> Vec<(u16, Option<String>, Option<String>)> {
    RESPONSES
        .map(|(_, _, (status, length, coding))| {
            (status, length.map(str::to_owned), coding.map(str::to_owned))
        })
        .to_vec()
}

#[tokio::test]
async fn a_client_of_http_1_1_gets_the_length_of_a_response_without_content_s45k() {
    assert_eq!(framings("HTTP/1.1").await, expected());
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_the_length_of_a_response_without_content_s45k() {
    assert_eq!(framings("HTTP/1.0").await, expected());
}
