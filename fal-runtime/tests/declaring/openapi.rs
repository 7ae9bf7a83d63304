//! The OpenAPI document of an app.

use axum::extract::Path;
use axum::http::Method;
use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::Client;

/// Tells languages apart.
#[app(version = "1.2.3")]
#[derive(Default)]
struct Languages;

#[derive(Deserialize, JsonSchema)]
struct Input {
    /// The text whose language is wanted.
    text: String,
    #[serde(default)]
    options: Options,
}

/// How to look at it.
#[derive(Deserialize, Serialize, JsonSchema, Default)]
struct Options {
    #[serde(default)]
    exact: bool,
    level: Level,
}

#[derive(Deserialize, Serialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Low,
    High,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    language: String,
    used: Vec<Wrapped>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Wrapped {
    options: Options,
}

#[endpoints]
impl Languages {
    /// Says which language a text is in.
    ///
    /// The model is small.
    #[endpoint("/")]
    async fn predict(&self, input: Input) -> Result<Output> {
        Ok(Output { language: input.text, used: vec![Wrapped { options: input.options }] })
    }

    #[endpoint("/users/{id}")]
    async fn user(&self, Path(id): Path<u32>, input: Wrapped) -> u32 {
        id + u32::from(input.options.exact)
    }

    #[endpoint("/alive", health_check = HealthCheck(failure_threshold = 2))]
    async fn alive(&self) {}
}

fn document() -> Value {
    Languages::declaration().openapi()
}

#[test]
fn the_document_is_made_of_the_table_that_serves() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&document()).unwrap());
}

#[tokio::test]
async fn the_document_is_served() {
    let served = Client::of(Languages).ask(Method::GET, "/openapi.json").await;
    assert_eq!(served.body(), document());
}

#[test]
fn every_reference_leads_to_a_component() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    match value {
                        Value::String(reference) if key == "$ref" => found.push(reference.clone()),
                        value => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn a_type_that_looks_different_from_each_side_is_two_components_and_so_is_what_refers_to_it() {
    let components = &document()["components"]["schemas"];
    for name in
        ["Options-Input", "Options-Output", "Wrapped-Input", "Wrapped-Output", "Level", "Input", "Output"]
    {
        assert!(components.get(name).is_some(), "{name}");
    }
    assert_eq!(components["Options-Input"]["required"], json!(["level"]));
    assert_eq!(components["Options-Output"]["required"], json!(["exact", "level"]));
    assert_eq!(
        components["Wrapped-Output"]["properties"]["options"]["$ref"],
        "#/components/schemas/Options-Output"
    );
}

#[test]
fn paths_and_properties_carry_the_order_of_their_declaration() {
    let document = document();
    assert_eq!(document["x-fal-order-paths"], json!(["/", "/users/{id}", "/alive", "/health"]));
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Input"]["x-fal-order-properties"], json!(["text", "options"]));
    assert_eq!(schemas["Output"]["x-fal-order-properties"], json!(["language", "used"]));
}

#[test]
fn the_settings_of_the_health_check_stand_at_what_the_host_calls_s16() {
    let item = document()["paths"]["/alive"].clone();
    let settings = json!({
        "start_period_seconds": 30,
        "timeout_seconds": 5,
        "failure_threshold": 2,
        "call_regularly": true,
    });
    assert_eq!(item["post"]["x-fal-health-check"], settings);
    assert!(item["get"].get("x-fal-health-check").is_none());
}

#[test]
fn operation_ids_are_unique() {
    let document = document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    let ids: Vec<_> = operations.map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
}

/// What serde can make of a type on either side.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the document is read")]
struct Both {
    #[serde(skip)]
    on_neither_side: u8,
    #[serde(skip_serializing)]
    only_taken: u8,
    #[serde(skip_deserializing)]
    only_given: u8,
    #[serde(default)]
    has_default: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<u8>,
    #[serde(rename(deserialize = "taken", serialize = "given"))]
    renamed: u8,
    #[serde(flatten)]
    place: Place,
    tagged: Tagged,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Place {
    #[serde(default)]
    shelf: u8,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind")]
enum Tagged {
    One {
        #[serde(default)]
        size: u8,
    },
}

#[derive(Default)]
struct Mirror;

#[app]
impl Mirror {
    #[endpoint("/")]
    async fn mirror(&self, both: Both) -> Both {
        both
    }
}

#[tokio::test]
async fn each_side_of_a_type_is_documented_as_serde_makes_it() {
    let document = Mirror::declaration().openapi();
    let side = |name: &str| {
        let schema = &document["components"]["schemas"][name];
        [schema["x-fal-order-properties"].clone(), schema["required"].clone()]
    };
    let taken = ["onlyTaken", "hasDefault", "maybe", "taken", "shelf", "tagged"];
    assert_eq!(side("Both-Input"), [json!(taken), json!(["onlyTaken", "taken", "tagged"])]);
    let given = ["onlyGiven", "hasDefault", "maybe", "given", "shelf", "tagged"];
    let always = ["onlyGiven", "hasDefault", "given", "shelf", "tagged"];
    assert_eq!(side("Both-Output"), [json!(given), json!(always)]);
    for (name, required) in [("Tagged-Input", json!(["kind"])), ("Tagged-Output", json!(["kind", "size"]))] {
        let one = &document["components"]["schemas"][name]["oneOf"][0];
        assert_eq!(
            (&one["properties"]["kind"]["const"], &one["required"]),
            (&json!("One"), &required),
            "{name}"
        );
    }

    // And so it is on the wire, with what is required and no more.
    let sent = json!({ "onlyTaken": 1, "taken": 2, "tagged": { "kind": "One" } });
    let answer = Client::of(Mirror).post("/", sent).await.body();
    let read: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(read, always);
}
