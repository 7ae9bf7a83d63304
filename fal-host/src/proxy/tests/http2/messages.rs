//! What of messages does not pass: the lengths of some, names of users, and pseudo-fields where they do not belong.

use http::header::CONTENT_LENGTH;

use super::client::{Http2Client, answered, get};
use super::frames::{DATA, END_HEADERS, END_STREAM, FramePeer, HEADERS, field, frame};
use crate::proxy::tests::Rig;
use crate::proxy::tests::lengths::RESPONSES;

#[tokio::test]
async fn a_client_of_http_2_gets_the_length_of_a_response_without_content_s45k_s51b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = Http2Client::connect(&rig).await;
    let mut connection = None;
    for (method, response, (status, length, _)) in RESPONSES {
        let mut request = get("/");
        *request.method_mut() = method.parse().unwrap();
        let task = client.send(request);
        let mut upstream = match connection.take() {
            Some(connection) => connection,
            None => runner.accept().await,
        };
        upstream.message().await;
        upstream.send(&format!("HTTP/1.1 {response}\r\n\r\n")).await;
        let answer = answered(task).await;
        let sent = answer.headers.get(CONTENT_LENGTH).map(|length| length.to_str().unwrap());
        assert_eq!((answer.status.as_u16(), sent), (status, length), "{method} {response}");
        assert_eq!(answer.body.unwrap(), "");
        connection = Some(upstream);
    }
}

#[tokio::test]
async fn an_authority_with_a_name_of_a_user_is_refused_s45e_s51b() {
    let rig = Rig::new().await;
    let mut client = Http2Client::connect(&rig).await;
    for authority in ["me:secret@test", "me@test:80", "@test"] {
        let mut request = get("/");
        *request.uri_mut() = format!("http://{authority}/").parse().unwrap();
        let refused = answered(client.send(request)).await;
        assert_eq!((refused.status.as_u16(), refused.error_type().as_str()), (400, "bad_target"));
    }
}

#[tokio::test]
async fn a_pseudo_field_in_trailers_reaches_no_runner_s45c_s51b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut peer = FramePeer::connect(&rig).await;
    let fields = |fields: &[(&str, &str)]| -> Vec<u8> {
        fields.iter().flat_map(|(name, value)| field(name, value)).collect()
    };
    let head = fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
        ("trailer", ":path, x-sum"),
    ]);
    let trailers = fields(&[(":path", "/other"), ("x-sum", "7")]);
    let frames = [
        frame(HEADERS, END_HEADERS, 1, &head),
        frame(DATA, 0, 1, b"ok"),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers),
    ];
    assert!(peer.send(&frames.concat()).await);
    let mut connection = runner.accept().await;
    assert_eq!(connection.head().await.start, "POST / HTTP/1.1");
    assert_eq!(connection.chunk().await.unwrap(), "ok");
    assert_eq!(
        [connection.line().await, connection.line().await, connection.line().await],
        ["0", "x-sum: 7", ""]
    );
}
