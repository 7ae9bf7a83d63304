//! Rules of types that are extracted from the request head.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::client::Client;
use crate::validation::Shop;

/// Where each rule is that a request without a body breaks, and what stands there.
async fn broken(path: &str, header: Option<(&str, &str)>) -> Vec<(Value, Value)> {
    let request =
        header.into_iter().fold(Request::post(path), |request, (name, text)| request.header(name, text));
    let answer = Client::of(Shop).send(request.body(Body::empty()).unwrap()).await;
    if answer.status == 200 {
        return Vec::new();
    }
    assert_eq!(answer.status, 422, "{answer:?}");
    let tell = |mistake: &Value| {
        assert_eq!(mistake["type"], "value_error", "{mistake}");
        (mistake["loc"].clone(), mistake["input"].clone())
    };
    answer.detail().as_array().unwrap().iter().map(tell).collect()
}

#[tokio::test]
async fn rules_of_what_is_taken_from_the_head_are_checked_too() {
    assert_eq!(broken("/query?n=3&sortedBy=title", None).await, []);
    assert_eq!(broken("/query?n=9", None).await, [(json!(["query", "n"]), json!("9"))]);
    let sorted = broken("/query?n=1&sortedBy=title&sortedBy=x", None).await;
    assert_eq!(sorted, [(json!(["query", "sortedBy", 1]), json!("x"))]);

    assert_eq!(broken("/id/10", None).await, []);
    assert_eq!(broken("/id/7", None).await, [(json!(["path", "id"]), json!("7"))]);
    assert_eq!(broken("/place/low/7", None).await, []);
    assert_eq!(broken("/place/high/7", None).await, [(json!(["path", "shelf"]), json!("high"))]);

    let told = broken("/headers", Some(("x-name", "al"))).await;
    let name = (json!(["header", "x-name"]), json!("al"));
    assert_eq!(told, [name, (json!(["header", "x-tenant"]), Value::Null)]);

    assert_eq!(broken("/cookies", Some(("cookie", "name=ann"))).await, []);
    let told = broken("/cookies", Some(("cookie", "a=b; name=än"))).await;
    assert_eq!(told, [(json!(["cookie", "name"]), json!("än"))]);
}

#[tokio::test]
async fn a_rule_of_several_parts_shows_no_headers_and_cookies() {
    let request = Request::post("/ranges/headers").header("from", "2").header("to", "1");
    let request = request.header("authorization", "secret").body(Body::empty()).unwrap();
    let answer = Client::of(Shop).send(request).await;
    assert_eq!(answer.detail()[0]["loc"], json!(["header"]));
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    let told = broken("/ranges/cookies", Some(("cookie", "from=2; to=1; session=secret"))).await;
    assert_eq!(told, [(json!(["cookie"]), Value::Null)]);
    assert_eq!(broken("/ranges/2/1", None).await, [(json!(["path"]), json!({ "from": "2", "to": "1" }))]);
}

#[tokio::test]
async fn what_a_type_refuses_as_a_whole_is_no_single_parts() {
    let told = broken("/ordered?from=2&to=1&utm=mail", None).await;
    assert_eq!(told, [(json!(["query"]), Value::Null)]);
    let told = broken("/ordered/2/1", None).await;
    assert_eq!(told, [(json!(["path"]), json!({ "from": "2", "to": "1" }))]);
}

#[tokio::test]
async fn an_item_of_a_map_is_told_by_its_number() {
    let items = json!({ "items": { "1": { "count": 11 }, "2": { "count": 2 } } });
    let answer = Client::of(Shop).post("/numbered", items).await;
    let mistake = &answer.detail()[0];
    assert_eq!((&mistake["loc"], &mistake["input"]), (&json!(["body", "items", "1", "count"]), &json!(11)));
}
