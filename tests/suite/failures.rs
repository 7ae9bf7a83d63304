//! What a client reads for each kind of failure: S38.

use std::time::Duration;

use fal_tests::{Act, Answer};
use serde_json::{Value, json};

use crate::harness::*;

/// Checks the form that all failures have. Returns the body, which has an id only if the log has more under that id.
fn told(response: &Response, status: u16) -> Value {
    let body = response.json();
    assert_eq!(response.status, status, "{body}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{body}");
    let id = response.header("x-fal-request-id").unwrap();
    let detail = &body["detail"];
    assert!(detail.is_string() || (status == 422 && detail.is_array()), "{body}");
    assert!(body.get("request_id").is_none_or(|told| told == id), "{body}");
    body
}

/// Sends a raw request and returns the response.
async fn written(host: &TestHost, request: &str) -> Response {
    let mut client = Client::tcp(host.address()).await;
    client.write(request.as_bytes()).await;
    client.response().await
}

#[tokio::test]
async fn every_failure_is_json_with_a_detail_s38f() {
    let director = Director::new();
    let host =
        TestHost::start_with(&director, serving_at_a_time(1, on_request()), |host| host.queue(1)).await;

    // Failures before an endpoint is called.
    let unknown = told(&host.exchange(&Request::post("/x", &json!({}))).await, 404);
    assert_eq!(unknown, json!({ "detail": "Path /x not found" }));
    let method = host.exchange(&Request::get("/call")).await;
    assert_eq!(
        (told(&method, 405), method.header("allow")),
        (json!({ "detail": "Method Not Allowed" }), Some("POST"))
    );
    let head = "POST /call HTTP/1.1\r\nhost: test\r\ncontent-type:";
    let beginning = "x".repeat(16 * 1024);
    let large = format!("{head} application/json\r\ncontent-length: 9999999\r\n\r\n{beginning}");
    let text = format!("{head} text/plain\r\ncontent-length: 2\r\n\r\n{{}}");
    let broken = format!("{head} application/json\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n");
    told(&written(&host, &large).await, 413);
    told(&written(&host, &text).await, 415);
    assert_eq!(told(&written(&host, &broken).await, 400)["error_type"], "broken_body");
    let missing = told(&host.exchange(&Request::post("/call", &json!({}))).await, 422);
    assert_eq!(
        missing,
        json!({ "detail": [{ "type": "missing", "loc": ["body", "name"], "msg": "Field required", "input": {} }] })
    );
    let malformed = format!("{head} application/json\r\ncontent-length: 1\r\n\r\n{{");
    assert_eq!(told(&written(&host, &malformed).await, 422)["detail"][0]["loc"], json!(["body", 1]));

    // Failures of an endpoint, with and without a text for the client.
    for status in [400, 404, 409, 500, 503] {
        let pending = host.call("tells").await;
        director.call("tells").await.answer(Act::Refuse(status, "so it is".to_owned())).await;
        assert_eq!(told(&pending.response().await, status), json!({ "detail": "so it is" }));
    }
    for answer in [Answer::fail(), Answer::panic()] {
        let pending = host.send(&Request::call("fails").header("x-fal-request-id", "mine-1")).await;
        director.call("fails").await.answer(answer).await;
        let unexpected = json!({ "detail": "Internal Server Error", "request_id": "mine-1" });
        assert_eq!(told(&pending.response().await, 500), unexpected);
    }

    // Failures of the host.
    let served = host.call("is served").await;
    let call = director.call("is served").await;
    let lost = host.call("is lost").await;
    host.settle().await;
    let full = host.exchange(&Request::call("is refused")).await;
    assert_eq!(told(&full, 503)["error_type"], "queue_full");
    call.succeed().await;
    assert_eq!(served.response().await.status, 200);
    director.call("is lost").await.answer(Act::Abort).await;
    assert_eq!(told(&lost.response().await, 503)["error_type"], "runner_disconnected");
    // A request to a process that is just ending is also lost.
    host.ended(1).await;
    let served = host.call("is served to the end").await;
    let call = director.call("is served to the end").await;
    let refused = host.call("is not served any more").await;
    host.settle().await;
    host.handle.shutdown();
    assert_eq!(told(&refused.response().await, 503)["error_type"], "host_stopping");
    call.succeed().await;
    assert_eq!(served.response().await.status, 200);

    let limited = serving_at_a_time(1, on_request()).request_timeout(Duration::from_secs(1));
    let short = Duration::from_millis(50);
    let host = TestHost::start_with(&director, limited, |host| host.queue_timeout(short)).await;
    host.ready(1).await;
    let slow = host.call("is never answered").await;
    let _held = director.call("is never answered").await;
    let late = host.exchange(&Request::call("waits for too long")).await;
    assert_eq!(told(&late, 504)["error_type"], "queue_timeout");
    assert_eq!(told(&slow.response().await, 504)["error_type"], "request_timeout");
}

#[tokio::test]
async fn a_request_that_its_runner_loses_is_in_the_log_of_the_host_by_the_id_that_its_client_has() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--queue", "0"]);
    host.stderr.line("IDLE runner=1").await;
    let pending = Pending::new(host.address().await, &Request::call("is lost")).await;
    director.call("is lost").await.answer(Act::Abort).await;
    let lost = pending.response().await;
    assert_eq!(lost.error_type(), "runner_disconnected");
    let id = lost.header("x-fal-request-id").unwrap();
    let said =
        format!("WARN request_id={id} method=POST path=\"/call\" runner=1 error_type=runner_disconnected");
    host.stderr.line(&said).await;
}
