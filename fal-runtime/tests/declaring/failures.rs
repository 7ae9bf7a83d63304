//! Error responses: their statuses, their one form, and what the log keeps.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use fal_runtime::extract::Path;
use fal_runtime::prelude::*;
use futures_util::stream;
use serde_json::json;

use crate::client::Client;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Default)]
struct Failing;

#[app]
impl Failing {
    #[endpoint("/")]
    async fn length(&self, input: Input) -> usize {
        input.text.len()
    }

    #[endpoint("/of/{name}/named")]
    async fn named(&self, Path(name): Path<String>) -> String {
        name
    }

    #[endpoint("/of/{name}")]
    async fn of(&self, Path(name): Path<String>) -> String {
        name
    }

    #[endpoint("/error")]
    async fn error(&self) -> Result<()> {
        Err(std::io::Error::other("secret")).context("more secrets")?;
        Ok(())
    }

    #[endpoint("/told")]
    async fn told(&self) -> Result<()> {
        None.status(StatusCode::NOT_FOUND).detail("there is no such text")
    }

    #[endpoint("/status")]
    fn status(&self) -> Result<(), Error> {
        Err(Error::msg("secret").status(StatusCode::BAD_GATEWAY))
    }

    #[endpoint("/full")]
    async fn full(&self) -> Result<()> {
        Err(Error::new(StatusCode::SERVICE_UNAVAILABLE, "come back later"))
    }

    #[endpoint("/panic")]
    async fn panics(&self) {
        panic!("secret")
    }

    #[endpoint("/panic/blocking")]
    fn panics_blocking(&self) {
        panic!("{} secret", 1)
    }

    #[endpoint("/unspeakable")]
    async fn unspeakable(&self) -> Unspeakable {
        Unspeakable
    }
}

#[derive(JsonSchema)]
struct Unspeakable;

impl Serialize for Unspeakable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("secret"))
    }
}

fn client() -> Client {
    Client::of(Failing)
}

fn json(body: impl Into<Body>) -> Request<Body> {
    Request::post("/").header("content-type", "application/json").body(body.into()).unwrap()
}

#[tokio::test]
async fn an_unknown_path_is_404_with_the_path() {
    let answer = client().ask(Method::POST, "/x/y?z=1").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.detail(), "Path /x/y not found");
}

#[tokio::test]
async fn a_parameter_of_the_path_that_is_empty_is_404_wherever_it_stands() {
    assert_eq!(client().ask(Method::POST, "/of/a/named").await.body(), "a");
    for path in ["/of//named", "/of/"] {
        let answer = client().ask(Method::POST, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.detail(), format!("Path {path} not found"));
    }
}

#[tokio::test]
async fn another_method_is_405_with_those_that_are_answered() {
    for (method, path, allow) in [
        (Method::GET, "/", "POST"),
        (Method::PUT, "/error", "POST"),
        (Method::POST, "/health", "GET, HEAD"),
        (Method::POST, "/openapi.json", "GET, HEAD"),
    ] {
        let answer = client().ask(method, path).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.detail(), "Method Not Allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_whether_its_length_is_told_or_not() {
    const LIMIT: usize = 2 * 1024 * 1024;
    let quoted = |length: usize| format!(r#"{{"text":"{}"}}"#, "x".repeat(length - 11));
    assert_eq!(client().send(json(quoted(LIMIT))).await.body(), LIMIT - 11);

    let too_large = client().send(json(quoted(LIMIT + 1))).await;
    assert_eq!(too_large.status, 413);
    assert_eq!(too_large.detail(), "the body is larger than 2097152 bytes");

    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    let endless = stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()));
    assert_eq!(client().send(json(Body::from_stream(endless))).await.status, 413);

    let mut lying = json("{}");
    lying.headers_mut().insert("content-length", (LIMIT + 1).into());
    assert_eq!(client().send(lying).await.status, 413);
}

#[tokio::test]
async fn a_body_that_is_not_sent_as_json_is_415() {
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = json(r#"{"text": "a"}"#);
        request.headers_mut().remove("content-type");
        if let Some(content_type) = content_type {
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        let answer = client().send(request).await;
        assert_eq!(answer.status, 415, "{content_type:?}");
        assert_eq!(answer.detail(), "the body has to be JSON: send it with `content-type: application/json`");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_the_endpoint_takes_is_422_with_the_list_of_mistakes() {
    let answer = client().post("/", json!({ "text": 5 })).await;
    assert_eq!(answer.status, 422);
    let told = json!([
        { "type": "string_type", "loc": ["body", "text"], "msg": "Input should be a valid string", "input": 5 }
    ]);
    assert_eq!(answer.detail(), told);

    let malformed = client().send(json("{")).await;
    assert_eq!((malformed.status.as_u16(), &malformed.detail()[0]["type"]), (422, &json!("json_invalid")));
}

#[tokio::test]
async fn a_body_that_is_not_there_is_422() {
    for request in [json(Body::empty()), Request::post("/").body(Body::empty()).unwrap(), json(chunkless())] {
        let answer = client().send(request).await;
        assert_eq!(answer.status, 422);
        let told = json!([{ "type": "missing", "loc": ["body"], "msg": "Field required", "input": null }]);
        assert_eq!(answer.detail(), told);
    }
}

/// A body of unknown length that turns out to be empty.
fn chunkless() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err("reset")]);
    let answer = client().send(json(Body::from_stream(broken))).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.detail(), "the body could not be read: reset");
}

#[tokio::test]
async fn an_error_is_500_and_keeps_its_text_to_the_log() {
    for path in ["/error", "/unspeakable", "/panic", "/panic/blocking"] {
        let answer = client().ask(Method::POST, path).await;
        assert_eq!(answer.status, 500, "{path}");
        assert_eq!(answer.detail(), "Internal Server Error");
    }
}

#[tokio::test]
async fn an_error_speaks_by_its_status_and_its_detail() {
    let told = client().ask(Method::POST, "/told").await;
    assert_eq!((told.status.as_u16(), told.detail()), (404, json!("there is no such text")));
    let status = client().ask(Method::POST, "/status").await;
    assert_eq!((status.status.as_u16(), status.detail()), (502, json!("Bad Gateway")));
}

#[tokio::test]
async fn every_response_has_the_id_of_its_request() {
    for (method, path) in [
        (Method::POST, "/error"),
        (Method::POST, "/panic"),
        (Method::POST, "/x"),
        (Method::GET, "/"),
        (Method::GET, "/health"),
    ] {
        let own = Request::builder().method(&method).uri(path).header("x-fal-request-id", "abc-1");
        let answer = client().send(own.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("x-fal-request-id"), Some("abc-1"), "{path}");
        let made = client().ask(method, path).await;
        assert_eq!(made.header("x-fal-request-id").unwrap().len(), 32, "{path}");
    }
}

#[derive(Default)]
struct Limited;

#[app(body_limit = 16)]
impl Limited {
    #[endpoint("/app")]
    async fn app(&self, text: String) -> usize {
        text.len()
    }

    #[endpoint("/own", body_limit = 4 * 8)]
    fn own(&self, text: String) -> usize {
        text.len()
    }
}

#[tokio::test]
async fn the_limit_of_a_body_is_the_endpoints_own_or_else_the_apps() {
    let client = Client::of(Limited);
    let text = |length: usize| json!("x".repeat(length - 2));
    for (path, limit) in [("/app", 16), ("/own", 32)] {
        assert_eq!(client.post(path, text(limit)).await.body(), limit - 2);
        let answer = client.post(path, text(limit + 1)).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.detail(), format!("the body is larger than {limit} bytes"));
    }
}

/// Every way in which a request to these apps can fail, and its status.
#[tokio::test]
async fn every_failure_has_the_same_form() {
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err("reset")]);
    let text = Request::post("/").header("content-type", "text/plain").body(Body::from("a")).unwrap();
    let large = json(Bytes::from(vec![b' '; 3 * 1024 * 1024]));
    let client = client();
    for (status, answer) in [
        (400, client.send(json(Body::from_stream(broken))).await),
        (404, client.ask(Method::POST, "/x").await),
        (404, client.ask(Method::POST, "/told").await),
        (405, client.ask(Method::DELETE, "/").await),
        (405, client.ask(Method::PUT, "/health").await),
        (413, client.send(large).await),
        (415, client.send(text).await),
        (422, client.post("/", json!({})).await),
        (422, client.send(json("{")).await),
        (500, client.ask(Method::POST, "/error").await),
        (500, client.ask(Method::POST, "/panic").await),
        (500, client.ask(Method::POST, "/panic/blocking").await),
        (502, client.ask(Method::POST, "/status").await),
        (503, client.ask(Method::POST, "/full").await),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(!answer.detail().is_null(), "{answer:?}");
    }
}

#[tokio::test]
async fn the_log_of_an_unexpected_error_has_its_chain_its_request_and_its_endpoint() {
    let log = Log::of_all_tests();
    let request = Request::post("/error").header("x-fal-request-id", "logged-1").body(Body::empty()).unwrap();
    let answer = client().send(request).await;
    assert_eq!(answer.text, r#"{"detail":"Internal Server Error","request_id":"logged-1"}"#);
    let line = log.line("request_id=logged-1");
    for part in ["ERROR", "more secrets: secret", "endpoint=\"/error\"", "status=500"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

/// What is logged. It is the log of all tests: whether a line is logged at all is remembered for all threads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn of_all_tests() -> Self {
        let log = Self::default();
        tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).init();
        log
    }

    fn line(&self, part: &str) -> String {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {log}")).to_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
