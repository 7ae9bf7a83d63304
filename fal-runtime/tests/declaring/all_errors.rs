//! All errors of an invalid body (S98).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::{NonZeroI8, NonZeroU8};

use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::Client;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Options {
    lines: Vec<Line>,
    parent: Option<Box<Line>>,
    prices: BTreeMap<String, f64>,
    size: Size,
    pair: Option<(u8, bool)>,
    shape: Option<Shape>,
    email: Option<Email>,
    wide: u128,
    shift: Option<NonZeroI8>,
    address: Option<IpAddr>,
    signed: i128,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Line {
    item: String,
    #[serde(alias = "n")]
    amount: NonZeroU8,
    email: Option<Email>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    #[default]
    Small,
    Large,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind")]
#[expect(dead_code, reason = "never read")]
enum Shape {
    Circle { radius: u32 },
    Square { side: u32 },
}

/// No schema says what it accepts.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Email;

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains('@') { Ok(Self) } else { Err("an address has an @") }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "Ends")]
struct Range;

#[derive(Deserialize, JsonSchema)]
struct Ends {
    start: u8,
    end: u8,
}

impl TryFrom<Ends> for Range {
    type Error = &'static str;

    fn try_from(ends: Ends) -> Result<Self, Self::Error> {
        if ends.start < ends.end { Ok(Self) } else { Err("it ends before its start") }
    }
}

#[derive(Default)]
struct Shop;

#[app]
impl Shop {
    #[endpoint("/two")]
    async fn two(&self, _two: Two) {}

    #[endpoint("/options")]
    async fn options(&self, _options: Options) {}

    #[endpoint("/maybe")]
    async fn maybe(&self, _options: Option<Options>) {}

    #[endpoint("/lines")]
    async fn lines(&self, _lines: Vec<Line>) {}

    #[endpoint("/range")]
    async fn range(&self, _range: Range) {}

    #[endpoint("/numbers")]
    async fn numbers(&self, _numbers: Vec<u8>) {}
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "never read")]
struct Two {
    name: String,
    count: u8,
}

/// Each error as `type at location`.
async fn errors(path: &str, body: Value) -> Vec<String> {
    let answer = Client::of(Shop).post(path, body).await;
    assert_eq!(answer.status, 422);
    let told = |error: &Value| {
        let loc = error["loc"].as_array().unwrap().iter().map(|step| step.to_string().replace('"', ""));
        format!("{} at {}", error["type"].as_str().unwrap(), loc.collect::<Vec<_>>().join("."))
    };
    answer.detail().as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn every_error_of_a_body_has_an_entry_s98() {
    let two = Client::of(Shop).post("/two", json!({ "name": 7, "count": "x" })).await;
    let expected = json!([
        { "type": "string_type", "loc": ["body", "name"], "msg": "Input should be a valid string", "input": 7 },
        {
            "type": "int_parsing",
            "loc": ["body", "count"],
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "input": "x",
        },
    ]);
    assert_eq!(two.detail(), expected);
    assert_eq!(errors("/two", json!({})).await, ["missing at body.name", "missing at body.count"]);
    let many = json!({
        "lines": [{ "item": "b", "amount": 1, "email": "a@b" }, { "amount": 1.5, "email": 2 }, 7],
        "parent": { "item": "c" }, "prices": { "d": "e", "f": 1.5 }, "size": "huge", "pair": [1, "f"],
        "other": 1, "more": [2],
    });
    for path in ["/options", "/maybe"] {
        let expected = [
            "int_from_float at body.lines.1.amount",
            "string_type at body.lines.1.email",
            "missing at body.lines.1.item",
            "model_attributes_type at body.lines.2",
            "missing at body.parent.amount",
            "float_parsing at body.prices.d",
            "enum at body.size",
            "bool_parsing at body.pair.1",
            "extra_forbidden at body.other",
            "extra_forbidden at body.more",
        ];
        assert_eq!(errors(path, many.clone()).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_body_with_one_error_has_one_entry_s98() {
    for (path, body, error) in [
        ("/options", json!({ "lines": {} }), "list_type at body.lines"),
        ("/options", json!({ "parent": 7 }), "model_attributes_type at body.parent"),
        ("/options", json!([{ "lines": 1 }]), "model_attributes_type at body"),
        ("/two", json!({ "name": "a" }), "missing at body.count"),
        // The schema does not have the alias.
        ("/lines", json!([{ "item": 1, "n": 1 }]), "string_type at body.0.item"),
        ("/lines", json!([{ "item": "a", "n": 0 }]), "greater_than_equal at body.0.n"),
        // A range without an error in a field has its own.
        ("/range", json!({ "start": 7, "end": 3 }), "value_error at body"),
        ("/range", json!({ "start": 7, "end": "x" }), "int_parsing at body.end"),
        ("/options", json!({ "shape": { "kind": "Square", "side": "x" } }), "int_parsing at body.shape.side"),
        ("/options", json!({ "pair": [1, true, 3] }), "value_error at body.pair"),
        ("/options", json!({ "signed": 1.8e38 }), "value_error at body.signed"),
        ("/options", json!({ "shape": { "kind": "Squares", "side": 1 } }), "enum at body.shape"),
    ] {
        let list = errors(path, body.clone()).await;
        let [only] = &list[..] else { panic!("{path}: {list:?}") };
        assert!(only.starts_with(error), "{path} {body}: {only}");
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_repaired_hides_only_what_is_around_it_s98() {
    let body = json!({ "lines": [{ "item": "a", "amount": 1, "email": "b" }], "email": "c", "size": "huge" });
    let expected = ["value_error at body.lines.0.email", "value_error at body.email", "enum at body.size"];
    assert_eq!(errors("/options", body).await, expected);
    // Values of formats and of types without zero can be made.
    let body =
        json!({ "lines": [{ "item": "a", "amount": 1.5 }], "shift": 0, "address": "b", "size": "huge" });
    let expected = [
        "int_from_float at body.lines.0.amount",
        "value_error at body.shift",
        "value_error at body.address",
        "enum at body.size",
    ];
    assert_eq!(errors("/options", body).await, expected);
    // A `Value` would round the first number, which is valid.
    let text = format!(r#"{{ "wide": {}, "size": "huge", "pair": 1 }}"#, u128::MAX);
    let request = axum::http::Request::post("/options").header("content-type", "application/json");
    let answer = Client::of(Shop).send(request.body(text.into()).unwrap()).await;
    assert_eq!(answer.detail().as_array().map(Vec::len), Some(1), "{}", answer.text);
}

#[tokio::test]
async fn a_body_of_a_million_errors_has_few_entries_s98() {
    let numbers = |count| Value::from(vec![Value::Null; count]);
    assert_eq!(errors("/numbers", numbers(7)).await.len(), 7);
    assert_eq!(errors("/numbers", Value::from(vec![json!([]); 105])).await.len(), 100);
    // 5 KB may be read five times more, 15 KB once, and 500 KB not at all.
    assert_eq!(errors("/numbers", numbers(1_000)).await.len(), 6);
    assert_eq!(errors("/numbers", numbers(3_000)).await.len(), 2);
    assert_eq!(errors("/numbers", numbers(100_000)).await.len(), 1);
}
