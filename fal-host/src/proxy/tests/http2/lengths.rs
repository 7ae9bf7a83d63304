//! The lengths of responses without content (S45k).

use http::header::CONTENT_LENGTH;

use super::client::{Http2Client, answered, get};
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
