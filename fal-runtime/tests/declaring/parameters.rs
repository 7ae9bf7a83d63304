//! The parameters in the OpenAPI document.

use std::collections::HashMap;

use axum::http::Method;
use fal_runtime::extract::{Headers, Query};
use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::Client;

#[derive(Deserialize, JsonSchema)]
struct Credentials {
    authorization: String,
    accept: Option<String>,
    content_type: Option<String>,
    x_tenant: String,
}

#[derive(Deserialize, JsonSchema)]
struct OptionalCredentials {
    authorization: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Search {
    text: String,
    #[serde(flatten)]
    range: Range,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Range {
    Named { name: String, unit: String },
    Between { from: String, to: String, unit: String },
}

#[derive(Deserialize, JsonSchema)]
struct Filter {
    text: String,
    #[serde(flatten)]
    others: HashMap<String, String>,
}

#[derive(Default)]
struct Library;

#[app]
impl Library {
    #[endpoint("/signed")]
    async fn signed(&self, Headers(credentials): Headers<Credentials>) -> String {
        let Credentials { authorization, accept, content_type, x_tenant } = credentials;
        format!("{authorization} {accept:?} {content_type:?} {x_tenant}")
    }

    #[endpoint("/maybe")]
    async fn maybe(&self, Headers(credentials): Headers<OptionalCredentials>) -> bool {
        credentials.authorization.is_some()
    }

    #[endpoint("/search")]
    async fn search(&self, Query(search): Query<Search>) -> String {
        match search.range {
            Range::Named { name, unit } => format!("{} {name} {unit}", search.text),
            Range::Between { from, to, unit } => format!("{} {from} {to} {unit}", search.text),
        }
    }

    #[endpoint("/filter")]
    async fn filter(&self, Query(filter): Query<Filter>) -> usize {
        filter.text.len() + filter.others.len()
    }

    #[endpoint("/any")]
    async fn any(&self, Query(names): Query<HashMap<String, String>>) -> usize {
        names.len()
    }
}

fn operation(path: &str) -> Value {
    let document = Library::declaration().openapi();
    document.get("paths").and_then(|paths| paths.get(path)?.get("post")).unwrap().clone()
}

/// The parameters: where each is, its name, and whether it is required.
fn parameters(path: &str) -> Vec<(String, String, bool)> {
    let operation = operation(path);
    let parameters = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |one: &Value, key: &str| one.get(key).and_then(Value::as_str).unwrap().to_owned();
    let is_required = |one: &Value| one.get("required").and_then(Value::as_bool).unwrap();
    parameters.iter().map(|one| (text(one, "in"), text(one, "name"), is_required(one))).collect()
}

fn named(part: &str, name: &str, is_required: bool) -> (String, String, bool) {
    (part.to_owned(), name.to_owned(), is_required)
}

#[test]
fn authentication_and_negotiation_are_no_header_parameters() {
    assert_eq!(parameters("/signed"), [named("header", "x-tenant", true)]);
    assert_eq!(operation("/signed")["security"], json!([{ "bearer": [] }, { "basic": [] }]));
    assert_eq!(operation("/maybe")["security"], json!([{ "bearer": [] }, { "basic": [] }, {}]));
    assert!(operation("/any").get("security").is_none());
    let document = Library::declaration().openapi();
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"], json!({ "type": "http", "scheme": "bearer" }));
    assert_eq!(schemes["basic"], json!({ "type": "http", "scheme": "basic" }));
}

#[test]
fn a_flattened_enum_has_the_parameters_of_all_its_variants() {
    let expected = [
        named("query", "text", true),
        named("query", "name", false),
        named("query", "unit", true),
        named("query", "from", false),
        named("query", "to", false),
    ];
    assert_eq!(parameters("/search"), expected);
}

#[tokio::test]
async fn a_map_is_a_parameter_for_all_names() {
    assert_eq!(parameters("/filter"), [named("query", "text", true), named("query", "parameters", false)]);
    let operation = operation("/any");
    let all = &operation["parameters"][0];
    assert_eq!((&all["style"], &all["explode"]), (&json!("form"), &json!(true)));
    assert_eq!(all["schema"], json!({ "type": "object", "additionalProperties": { "type": "string" } }));

    let client = Client::of(Library);
    assert_eq!(client.ask(Method::POST, "/any?a=1&b=2").await.body(), 2);
    assert_eq!(client.ask(Method::POST, "/filter?text=abc&b=2").await.body(), 4);
    assert_eq!(client.ask(Method::POST, "/search?text=a&from=1&to=2&unit=m").await.body(), "a 1 2 m");
}
