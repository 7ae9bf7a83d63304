//! Inputs whose types have rules of their own.

use axum::body::Body;
use axum::http::Request;
use fal_runtime::extract::{Cookies, Headers, Path, Query};
use fal_runtime::prelude::*;
use garde::Validate;
use serde_json::{Value, json};

use crate::client::Client;

#[derive(Deserialize, JsonSchema, Validate)]
struct Order {
    #[garde(length(min = 3, max = 20))]
    name: String,
    #[garde(dive)]
    items: Vec<Item>,
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[garde(length(min = 4))]
    postal_code: String,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Item {
    #[garde(range(min = 1, max = 10))]
    count: u32,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Page {
    #[garde(range(min = 1, max = 3))]
    n: u32,
    #[serde(default, rename = "sortedBy")]
    #[garde(inner(length(min = 2)))]
    sorted_by: Vec<String>,
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(transparent)]
#[garde(transparent)]
struct Id(#[garde(range(min = 10))] u32);

#[derive(Deserialize, JsonSchema, Validate)]
struct Place {
    #[garde(length(max = 3))]
    shelf: String,
    #[garde(skip)]
    book: u32,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Caller {
    #[garde(length(min = 3))]
    x_name: String,
    #[garde(required)]
    x_tenant: Option<String>,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Session {
    #[garde(ascii)]
    name: String,
}

#[derive(Default)]
struct Shop;

#[app]
impl Shop {
    #[endpoint("/")]
    async fn order(&self, order: Order) -> usize {
        order.name.len() + order.items.iter().map(|item| item.count as usize).sum::<usize>()
    }

    #[endpoint("/address")]
    async fn address(&self, address: Address) -> usize {
        address.postal_code.len()
    }

    #[endpoint("/query")]
    async fn query(&self, Query(page): Query<Page>) -> u32 {
        page.n
    }

    #[endpoint("/id/{id}")]
    fn id(&self, Path(Id(id)): Path<Id>) -> u32 {
        id
    }

    #[endpoint("/place/{shelf}/{book}")]
    async fn place(&self, Path(place): Path<Place>) -> String {
        format!("{} {}", place.shelf, place.book)
    }

    #[endpoint("/headers")]
    async fn headers(&self, Headers(caller): Headers<Caller>) -> String {
        caller.x_name
    }

    #[endpoint("/cookies")]
    async fn cookies(&self, Cookies(session): Cookies<Session>) -> String {
        session.name
    }

    #[endpoint("/blocking")]
    fn order_blocking(&self, order: Order) -> usize {
        order.items.len()
    }
}

#[tokio::test]
async fn every_rule_that_is_broken_is_told_at_its_place() {
    let client = Client::of(Shop);
    let sound = json!({ "name": "ann", "items": [{ "count": 2 }] });
    assert_eq!(client.post("/", sound.clone()).await.body(), 5);
    assert_eq!(client.post("/blocking", sound).await.body(), 1);

    for path in ["/", "/blocking"] {
        let answer =
            client.post(path, json!({ "name": "al", "items": [{ "count": 1 }, { "count": 11 }] })).await;
        assert_eq!(answer.status, 422);
        let mut told = answer.detail();
        told.as_array_mut().unwrap().sort_by_key(|mistake| mistake["loc"].to_string());
        assert_eq!(
            told,
            json!([
                {
                    "type": "value_error",
                    "loc": ["body", "items", 1, "count"],
                    "msg": "Value error, greater than 10",
                    "input": 11,
                },
                { "type": "value_error", "loc": ["body", "name"], "msg": "Value error, length is lower than 3", "input": "al" },
            ])
        );
    }
}

#[tokio::test]
async fn a_broken_rule_is_told_at_the_name_that_the_client_knows() {
    let answer = Client::of(Shop).post("/address", json!({ "postalCode": "12" })).await;
    let mistake = &answer.detail()[0];
    assert_eq!((&mistake["loc"], &mistake["input"]), (&json!(["body", "postalCode"]), &json!("12")));
}

#[tokio::test]
async fn what_has_no_form_is_told_before_any_rule() {
    let answer = Client::of(Shop).post("/", json!({ "name": "al" })).await;
    assert_eq!(answer.detail()[0]["type"], "missing");
}

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

#[test]
fn the_rules_are_in_the_schema() {
    let document = Shop::declaration().openapi();
    let schemas = &document["components"]["schemas"];
    let name = &schemas["Order"]["properties"]["name"];
    assert_eq!((&name["minLength"], &name["maxLength"]), (&json!(3), &json!(20)));
    let count = &schemas["Item"]["properties"]["count"];
    assert_eq!((&count["minimum"], &count["maximum"]), (&json!(1), &json!(10)));
}
