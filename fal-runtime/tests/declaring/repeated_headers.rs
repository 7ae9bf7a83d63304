//! Headers and cookies whose names are given more than once.

use axum::body::Body;
use axum::http::Request;
use fal_runtime::extract::{Cookies, Headers};
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::{Answer, Client};

#[derive(Deserialize, JsonSchema)]
struct Tags {
    x_tag: Vec<u8>,
}

#[derive(Deserialize, JsonSchema)]
struct Tag {
    x_tag: u8,
}

#[derive(Default)]
struct Repeating;

#[app]
impl Repeating {
    #[endpoint("/list")]
    async fn list(&self, Headers(tags): Headers<Tags>) -> Vec<u8> {
        tags.x_tag
    }

    #[endpoint("/one")]
    async fn one(&self, Headers(tag): Headers<Tag>) -> u8 {
        tag.x_tag
    }

    #[endpoint("/cookies")]
    async fn cookies(&self, Cookies(tags): Cookies<Tags>) -> Vec<u8> {
        tags.x_tag
    }
}

async fn post(path: &str, headers: &[(&str, &str)]) -> Answer {
    let request =
        headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
    Client::of(Repeating).send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_list_takes_every_header_of_its_name() {
    assert_eq!(post("/list", &[("x-tag", "1"), ("X-Tag", "2")]).await.body(), json!([1, 2]));
    assert_eq!(post("/list", &[("x-tag", "1")]).await.body(), json!([1]));
    let wrong = post("/list", &[("x-tag", "1"), ("x-tag", "b")]).await.detail();
    assert_eq!((&wrong[0]["loc"], &wrong[0]["input"]), (&json!(["header", "x-tag", 1]), &json!("b")));
}

#[tokio::test]
async fn a_field_other_than_a_list_takes_the_first_header_of_its_name() {
    assert_eq!(post("/one", &[("x-tag", "1"), ("x-tag", "2")]).await.body(), 1);
}

#[tokio::test]
async fn a_list_takes_every_cookie_of_its_name() {
    let cookies = [("cookie", "x_tag=1; other=9"), ("cookie", "x_tag=2")];
    assert_eq!(post("/cookies", &cookies).await.body(), json!([1, 2]));
}

#[tokio::test]
async fn a_header_that_is_not_utf_8_is_422_at_its_name() {
    let request = Request::post("/one").header("x-tag", &b"\xff"[..]).body(Body::empty()).unwrap();
    let answer = Client::of(Repeating).send(request).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.detail()[0]["loc"], json!(["header", "x-tag"]));
}
