//! What endpoints take as arguments: the body, and parts of the request's head.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Method};
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
    #[serde(default)]
    times: Times,
}

#[derive(Deserialize, JsonSchema)]
struct Times(usize);

impl Default for Times {
    fn default() -> Self {
        Self(1)
    }
}

#[derive(Serialize, JsonSchema)]
struct Output {
    text: String,
}

#[derive(Deserialize)]
struct Page {
    page: u32,
}

#[derive(Default)]
struct Repeater;

#[app]
impl Repeater {
    #[endpoint("/")]
    async fn repeat(&self, input: Input) -> Result<Output> {
        Ok(Output { text: input.text.repeat(input.times.0) })
    }

    #[endpoint("/blocking")]
    fn repeat_blocking(&self, Input { text, times }: Input) -> Output {
        Output { text: text.repeat(times.0) }
    }

    #[endpoint("/optional")]
    async fn optional(&self, input: Option<Input>) -> Option<String> {
        input.map(|input| input.text)
    }

    #[endpoint("/nothing")]
    async fn nothing(&self) {}

    #[endpoint("/list")]
    async fn list(&self, numbers: Vec<u8>) -> Result<u32, std::num::TryFromIntError> {
        u32::try_from(numbers.len())
    }

    #[endpoint("/users/{id}/{name}")]
    async fn user(
        &self,
        headers: HeaderMap,
        Path((id, name)): Path<(u32, String)>,
        Query(Page { page }): Query<Page>,
        input: Input,
    ) -> String {
        let asked = headers.get("x-asked").map_or("", |asked| asked.to_str().unwrap_or_default());
        format!("{id} {name} {page} {asked} {}", input.text)
    }

    #[endpoint("/blocking/{id}")]
    fn user_blocking(&self, input: Input, Path(id): Path<u32>) -> String {
        format!("{id} {}", input.text)
    }
}

#[tokio::test]
async fn a_body_is_the_plain_input_and_an_answer_the_plain_output() {
    let client = Client::of(Repeater);
    assert_eq!(
        client.post("/", json!({ "text": "ab", "times": 3 })).await.body(),
        json!({ "text": "ababab" })
    );
    assert_eq!(client.post("/list", json!([1, 2])).await.body(), json!(2));
    assert_eq!(client.ask(Method::POST, "/nothing").await.body(), json!(null));
}

#[tokio::test]
async fn a_blocking_endpoint_takes_and_answers_the_same() {
    let client = Client::of(Repeater);
    assert_eq!(client.post("/blocking", json!({ "text": "ab" })).await.body(), json!({ "text": "ab" }));
}

#[tokio::test]
async fn what_is_no_body_is_taken_from_the_head_in_any_order() {
    let client = Client::of(Repeater);
    let request = axum::http::Request::post("/users/7/ann?page=2")
        .header("content-type", "application/json; charset=utf-8")
        .header("x-asked", "yes")
        .body(axum::body::Body::from(r#"{"text": "hi"}"#));
    assert_eq!(client.send(request.unwrap()).await.body(), json!("7 ann 2 yes hi"));
    assert_eq!(client.post("/blocking/7", json!({ "text": "hi" })).await.body(), json!("7 hi"));
}

#[tokio::test]
async fn an_optional_body_may_be_absent() {
    let client = Client::of(Repeater);
    assert_eq!(client.ask(Method::POST, "/optional").await.body(), json!(null));
    assert_eq!(client.post("/optional", json!(null)).await.body(), json!(null));
    assert_eq!(client.post("/optional", json!({ "text": "a" })).await.body(), json!("a"));
    assert_eq!(client.post("/optional", json!({})).await.status, 422, "what is there has to be sound");
    assert_eq!(client.ask(Method::POST, "/").await.status, 422, "others may not");

    let document = Repeater::declaration().openapi();
    let is_required = |path: &str| &document["paths"][path]["post"]["requestBody"]["required"];
    assert_eq!((is_required("/optional"), is_required("/")), (&json!(false), &json!(true)));
}
