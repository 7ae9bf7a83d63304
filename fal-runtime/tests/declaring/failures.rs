use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
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
