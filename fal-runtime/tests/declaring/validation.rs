//! Inputs whose types have rules of their own.

use fal_runtime::prelude::*;
use garde::Validate;
use serde_json::json;

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

#[test]
fn the_rules_are_in_the_schema() {
    let document = Shop::declaration().openapi();
    let schemas = &document["components"]["schemas"];
    let name = &schemas["Order"]["properties"]["name"];
    assert_eq!((&name["minLength"], &name["maxLength"]), (&json!(3), &json!(20)));
    let count = &schemas["Item"]["properties"]["count"];
    assert_eq!((&count["minimum"], &count["maximum"]), (&json!(1), &json!(10)));
}
