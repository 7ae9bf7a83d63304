//! What arrives of a request and of a response, and what does not.

use super::{Message, Rig};

/// What a runner gets for a request, and what the client gets for its response.
async fn through(request: &str, response: &str) -> (Message, Message) {
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

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_request_and_its_response_pass_as_they_are() {
    let (request, response) = through(
        "POST /a/b?c=d HTTP/1.1\r\nhost: example.org\r\ncontent-length: 5\r\nx-own: 1\r\n\r\nhello",
        "HTTP/1.1 207 Own Words\r\ncontent-length: 3\r\nx-theirs: 2\r\ndate: Tue\r\n\r\nyes",
    )
    .await;
    assert_eq!(request.start, "POST /a/b?c=d HTTP/1.1");
    assert_eq!(request.header("host"), Some("example.org"));
    assert_eq!(request.header("x-own"), Some("1"));
    assert_eq!(request.body, "hello");
    assert_eq!(response.start, "HTTP/1.1 207 Own Words");
    assert_eq!(response.header("x-theirs"), Some("2"));
    assert_eq!(response.header("date"), Some("Tue"));
    assert_eq!(response.body, "yes");
}
