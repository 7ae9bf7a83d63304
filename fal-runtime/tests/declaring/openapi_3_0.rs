//! The document as OpenAPI 3.0.3.

use std::collections::BTreeMap;

use fal_runtime::App;
use fal_runtime::prelude::*;
use serde_json::{Value, json};

#[derive(Deserialize, Serialize, JsonSchema)]
struct Everything {
    maybe: Option<u32>,
    parent: Option<Box<Everything>>,
    pair: (u32, String),
    any: Value,
    map: BTreeMap<String, Vec<u8>>,
    shape: Shape,
    /// Described beside a reference.
    other: Other,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind")]
enum Shape {
    Circle { radius: u32 },
    Point,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Other {
    #[schemars(extend("exclusiveMinimum" = 0))]
    size: f64,
}

#[derive(Default)]
struct Mirror;

#[app]
impl Mirror {
    #[endpoint("/")]
    async fn mirror(&self, everything: Everything) -> Result<Everything> {
        Ok(everything)
    }

    #[endpoint("/alive", health_check = HealthCheck(timeout_seconds = 1))]
    async fn alive(&self) {}
}

/// The objects of a document that have this keyword, where it is no property's name.
fn with_keyword<'a>(value: &'a Value, keyword: &str, is_name: bool, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            if !is_name && members.contains_key(keyword) {
                found.push(value);
            }
            for (name, member) in members {
                with_keyword(member, keyword, name == "properties", found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| with_keyword(item, keyword, false, found)),
        _ => {}
    }
}

#[test]
fn the_document_has_no_keyword_of_3_1() {
    let document = Mirror::declaration().openapi_3_0();
    assert_eq!(document["openapi"], "3.0.3");
    for keyword in ["const", "prefixItems", "examples", "patternProperties", "propertyNames", "$schema"] {
        let mut found = Vec::new();
        with_keyword(&document, keyword, false, &mut found);
        assert_eq!(found, [&Value::Null; 0], "{keyword}");
    }
    let mut typed = Vec::new();
    with_keyword(&document, "type", false, &mut typed);
    assert!(typed.iter().all(|schema| schema["type"].is_string() && schema["type"] != "null"), "{typed:?}");
    let mut referring = Vec::new();
    with_keyword(&document, "$ref", false, &mut referring);
    assert!(referring.iter().all(|schema| schema.as_object().unwrap().len() == 1), "{referring:?}");
}

#[test]
fn schemas_accept_what_they_accept_in_3_1() {
    let document = Mirror::declaration().openapi_3_0();
    let properties = &document["components"]["schemas"]["Everything-Input"]["properties"];
    assert_eq!(
        (&properties["maybe"]["type"], &properties["maybe"]["nullable"]),
        (&json!("integer"), &json!(true))
    );
    let parent = json!({ "allOf": [{ "$ref": "#/components/schemas/Everything-Input" }], "nullable": true });
    assert_eq!(properties["parent"], parent);
    assert_eq!(properties["any"], json!({}));
    let size = &document["components"]["schemas"]["Other"]["properties"]["size"];
    assert_eq!((&size["minimum"], &size["exclusiveMinimum"]), (&json!(0), &json!(true)));
}

#[test]
fn all_error_responses_have_one_schema() {
    let document = Mirror::declaration().openapi_3_0();
    let responses = document["paths"]["/"]["post"]["responses"].as_object().unwrap();
    for (status, response) in responses.iter().filter(|(status, _)| *status != "200") {
        let schema = &response["content"]["application/json"]["schema"];
        assert_eq!(schema, &json!({ "$ref": "#/components/schemas/Failure" }), "{status}");
    }
    let all = document["components"]["schemas"]["Failure"]["anyOf"].as_array().unwrap();
    let names: Vec<_> =
        all.iter().map(|one| one["$ref"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(names.last(), Some(&"HTTPError"), "the one that accepts most is the last: {names:?}");
}
