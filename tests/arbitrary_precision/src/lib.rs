//! Numbers keep their digits in requests and answers, with the feature `arbitrary_precision` of `serde_json`.
#![cfg(test)]

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use bigdecimal::BigDecimal;
use fal_runtime::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Number, Value};
use tower::ServiceExt;

#[derive(Default)]
struct Numbers;

#[derive(Deserialize, JsonSchema, Serialize)]
struct Decimals {
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    #[schemars(with = "f64")]
    fixed: Decimal,
    #[serde(with = "bigdecimal::serde::json_num")]
    #[schemars(with = "f64")]
    big: BigDecimal,
    number: Number,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Order {
    price: f64,
    #[serde(flatten)]
    size: Size,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Size {
    width: f32,
    count: u8,
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(tag = "kind")]
enum Shape {
    Circle { radius: f64 },
    Square { side: Value },
}

#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(untagged)]
enum Amount {
    Whole(i64),
    Float(f64),
    Text(String),
}

#[app]
impl Numbers {
    #[endpoint("/value")]
    async fn value(&self, value: Value) -> Value {
        value
    }

    #[endpoint("/decimals")]
    async fn decimals(&self, decimals: Decimals) -> Decimals {
        decimals
    }

    #[endpoint("/floats")]
    async fn floats(&self, floats: Vec<f64>) -> Vec<f64> {
        floats
    }

    #[endpoint("/integers")]
    async fn integers(&self, integers: Vec<u128>) -> Vec<u128> {
        integers
    }

    #[endpoint("/order")]
    async fn order(&self, order: Order) -> Order {
        order
    }

    #[endpoint("/shape")]
    async fn shape(&self, shape: Shape) -> Shape {
        shape
    }

    #[endpoint("/amounts")]
    async fn amounts(&self, amounts: Vec<Amount>) -> Vec<Amount> {
        amounts
    }
}

/// The status and the body of the answer to a JSON body.
async fn post(path: &str, body: &str) -> (u16, String) {
    let request = Request::post(path).header("content-type", "application/json").body(body.to_owned());
    let response = fal_runtime::router(Numbers).oneshot(request.unwrap().map(Body::from)).await.unwrap();
    let (head, body) = response.into_parts();
    (head.status.as_u16(), String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap())
}

/// Sends a body that the endpoint returns unchanged.
async fn returned(path: &str, body: &str) {
    assert_eq!(post(path, body).await, (200, body.to_owned()));
}

/// Sends a body with one error, and returns its location and type.
async fn refused(path: &str, body: &str) -> (Value, Value) {
    let (status, answer) = post(path, body).await;
    assert_eq!(status, 422, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["detail"].as_array().unwrap().len(), 1, "{answer}");
    (answer["detail"][0]["loc"].clone(), answer["detail"][0]["type"].clone())
}

#[tokio::test]
async fn a_value_keeps_all_digits_s115() {
    returned("/value", r#"[1,-7,1.0,1.50,-0,0.1234567890123456789,18446744073709551616,1e+400]"#).await;
    returned("/value", r#"{"a":{"b":3.14159265358979323846}}"#).await;
    // As `serde_json` writes it.
    assert_eq!(post("/value", "1E400").await, (200, "1e+400".to_owned()));
}

#[tokio::test]
async fn decimals_keep_all_digits_s115() {
    returned(
        "/decimals",
        r#"{"fixed":1.2345678901234567890123,"big":12345678901234567890.123456789,"number":1.10}"#,
    )
    .await;
}

#[tokio::test]
async fn other_types_read_numbers_as_without_the_feature_s115() {
    assert_eq!(post("/floats", "[1, 1.50, 1e2]").await, (200, "[1.0,1.5,100.0]".to_owned()));
    assert_eq!(
        post("/integers", "[1.0, 340282366920938463463374607431768211455]").await,
        (200, "[1,340282366920938463463374607431768211455]".to_owned())
    );
    let second = Value::from(vec![Value::from("body"), Value::from(1)]);
    assert_eq!(refused("/floats", "[1, 1e400]").await, (second.clone(), "finite_number".into()));
    assert_eq!(refused("/integers", "[1, 1e400]").await, (second, "finite_number".into()));
}

#[tokio::test]
async fn floats_of_buffered_types_are_read_and_values_keep_their_digits_s115() {
    let order = r#"{"price":0.1,"width":1.5,"count":2,"exact":0.1234567890123456789,"plain":1.25}"#;
    returned("/order", order).await;
    // A whole float is an integer there.
    let order = r#"{"price": 1.50, "width": 1.50, "count": 2.0}"#;
    assert_eq!(post("/order", order).await, (200, r#"{"price":1.5,"width":1.5,"count":2}"#.to_owned()));
    returned("/shape", r#"{"kind":"Circle","radius":1.5}"#).await;
    returned("/shape", r#"{"kind":"Square","side":0.1234567890123456789}"#).await;
    returned("/amounts", r#"[1,1.5,"1.5"]"#).await;
}

#[tokio::test]
async fn all_errors_of_a_body_are_listed_beside_numbers_with_many_digits_s98() {
    let (status, answer) = post(
        "/decimals",
        r#"{"fixed": 0.12345678901234567890123, "big": 99999999999999999999, "number": "x"}"#,
    )
    .await;
    assert_eq!(status, 422);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["detail"][0]["loc"], Value::from(vec!["body", "number"]));
    assert_eq!(answer["detail"].as_array().unwrap().len(), 1);
}
