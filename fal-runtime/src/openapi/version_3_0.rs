//! The document as OpenAPI 3.0.3, for generators of clients that do not read 3.1.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value};

use crate::app::Declaration;
use crate::json::{add, object};

impl Declaration {
    /// The document as OpenAPI 3.0.3.
    ///
    /// Its schemas accept what those of 3.1 accept, as far as 3.0 can say it. All error responses refer to one schema, `Failure`,
    /// since generators such as progenitor have one error type for each operation.
    pub fn openapi_3_0(&self) -> Value {
        let mut document = self.openapi();
        unify_failures(&mut document);
        convert(&mut document);
        if let Some(document) = document.as_object_mut() {
            document.insert("openapi".to_owned(), "3.0.3".into());
        }
        document
    }
}

/// The name of the schema of all error responses.
const FAILURE: &str = "Failure";

/// Gives all error responses one schema, and other errors the ranges of their statuses: generators take `default` for successes, too.
fn unify_failures(document: &mut Value) {
    let mut found = Vec::new();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operation in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        let operations = operation.values_mut();
        for responses in operations.filter_map(|operation| operation.get_mut("responses")?.as_object_mut()) {
            if let Some(others) = responses.remove("default") {
                add(responses, "4XX", others.clone());
                add(responses, "5XX", others);
            }
            let errors = responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5']));
            let schemas =
                errors.filter_map(|(_, response)| response.pointer_mut("/content/application~1json/schema"));
            for schema in schemas {
                let reference = object([("$ref", format!("#/components/schemas/{FAILURE}").into())]);
                collect(std::mem::replace(schema, reference.into()), &mut found);
            }
        }
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
        && !found.is_empty()
    {
        add(schemas, FAILURE, object([("title", FAILURE.into()), ("anyOf", found.into())]).into());
    }
}

/// Adds a schema, or its alternatives, to those that are known. The common one, which accepts most, is the last.
fn collect(mut schema: Value, found: &mut Vec<Value>) {
    if let Some(alternatives) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        alternatives.drain(..).for_each(|one| collect(one, found));
        return;
    }
    if found.contains(&schema) {
        return;
    }
    let name = schema.get("$ref").and_then(Value::as_str);
    let is_common = name.is_some_and(|name| name.ends_with("/HTTPError"));
    found.insert(if is_common { found.len() } else { 0 }, schema);
}

/// Converts the schemas at their places in a document.
fn convert(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match (key.as_str(), member) {
                    ("schemas", Value::Object(schemas)) => schemas.values_mut().for_each(convert_schema),
                    ("schema", schema) => convert_schema(schema),
                    ("content", member) => {
                        drop_any_media_type(member);
                        convert(member);
                    }
                    (_, member) => convert(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(convert),
        _ => {}
    }
}

/// Leaves out `*/*` beside another media type: generators such as progenitor take one.
fn drop_any_media_type(content: &mut Value) {
    if let Some(content) = content.as_object_mut().filter(|content| content.len() > 1) {
        content.remove("*/*");
    }
}

fn convert_schema(schema: &mut Value) {
    let Ok(schema) = <&mut Schema>::try_from(schema) else { return };
    replace_keywords(schema);
    for transform in &mut SchemaSettings::openapi3().transforms {
        transform.transform(schema);
    }
}

/// Replaces the keywords that schemars leaves.
fn replace_keywords(schema: &mut Schema) {
    transform_subschemas(&mut replace_keywords, schema);
    let Some(schema) = schema.as_object_mut() else { return };
    optional(schema);
    several_types(schema);
    tuple(schema);
    for (bound, flag) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if let Some(limit @ Value::Number(_)) = schema.get(flag).cloned() {
            schema.insert(bound.to_owned(), limit);
            schema.insert(flag.to_owned(), true.into());
        }
    }
    if let Some(Value::Object(patterns)) = schema.remove("patternProperties") {
        let any_of: Vec<_> = patterns.into_iter().map(|(_, pattern)| pattern).collect();
        schema.insert("additionalProperties".to_owned(), object([("anyOf", any_of.into())]).into());
    }
    for keyword in ["propertyNames", "$schema", "$defs", "contains", "minContains", "maxContains"] {
        schema.remove(keyword);
    }
    if schema.remove("contentEncoding").is_some() {
        schema.entry("format").or_insert("byte".into());
    }
    schema.remove("contentMediaType");
    // 3.0 needs it in a list.
    if schema.get("type").is_some_and(|kind| kind == "array") {
        schema.entry("items").or_insert_with(|| Map::new().into());
    }
}

/// A list with a schema for each item: one schema for all of them.
fn tuple(schema: &mut Map<String, Value>) {
    let Some(Value::Array(items)) = schema.remove("prefixItems") else { return };
    schema.insert("items".to_owned(), object([("anyOf", items.into())]).into());
}

/// A schema or null: `nullable` beside the schema.
fn optional(schema: &mut Map<String, Value>) {
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(alternatives)) = schema.get_mut(keyword) else { continue };
        let is_null = |one: &Value| one.get("type").is_some_and(|kind| kind == "null");
        let known = alternatives.len();
        alternatives.retain(|one| !is_null(one));
        if alternatives.len() == known {
            continue;
        }
        let rest = std::mem::take(alternatives);
        schema.remove(keyword);
        schema.insert(if rest.len() == 1 { "allOf" } else { keyword }.to_owned(), rest.into());
        schema.insert("nullable".to_owned(), true.into());
    }
}

/// A value of several types: one alternative for each.
fn several_types(schema: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = schema.get("type") else { return };
    let types: Vec<_> = types.iter().filter(|kind| **kind != "null").cloned().collect();
    if types.len() < 2 {
        return;
    }
    let is_nullable =
        schema.get("type").is_some_and(|all| all.as_array().is_some_and(|all| all.len() > types.len()));
    schema.remove("type");
    let alternatives: Vec<Value> = types.into_iter().map(|kind| object([("type", kind)]).into()).collect();
    schema.insert("anyOf".to_owned(), alternatives.into());
    if is_nullable {
        schema.insert("nullable".to_owned(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keywords_of_3_1_become_those_of_3_0() {
        for (newer, older) in [
            (json!({ "type": ["integer", "null"] }), json!({ "type": "integer", "nullable": true })),
            (json!({ "const": "a" }), json!({ "enum": ["a"] })),
            (
                json!({ "anyOf": [{ "$ref": "#/a" }, { "type": "null" }] }),
                json!({ "allOf": [{ "$ref": "#/a" }], "nullable": true }),
            ),
            (json!({ "exclusiveMinimum": 0 }), json!({ "exclusiveMinimum": true, "minimum": 0 })),
            (
                json!({ "type": ["string", "integer"] }),
                json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }),
            ),
            (
                json!({ "$ref": "#/a", "description": "b" }),
                json!({ "description": "b", "allOf": [{ "$ref": "#/a" }] }),
            ),
            (json!({ "type": "array" }), json!({ "type": "array", "items": {} })),
        ] {
            let mut schema = newer.clone();
            convert_schema(&mut schema);
            assert_eq!(schema, older, "{newer}");
        }
    }
}
