//! Responses and contents by their media type.

use serde_json::{Map, Value};

use crate::json::{add, object, parse_static};

const JSON: &str = "application/json";

/// A response of JSON.
pub(super) fn response(description: &str, schema: Value) -> Value {
    response_as(JSON, description, schema)
}

pub(super) fn response_as(media_type: &str, description: &str, schema: Value) -> Value {
    object([("description", description.into()), ("content", content(media_type, schema))]).into()
}

/// Adds headers to a response. Not all of its kind have them.
pub(super) fn with_headers(mut response: Value, names: &[&str]) -> Value {
    let mut headers = Map::new();
    for name in names {
        let text = object([("type", "string".into())]);
        add(&mut headers, name, object([("schema", text.into())]).into());
    }
    if let Some(response) = response.as_object_mut().filter(|_| !headers.is_empty()) {
        add(response, "headers", headers.into());
    }
    response
}

pub(super) fn content(media_type: &str, schema: Value) -> Value {
    object([(media_type, object([("schema", schema)]).into())]).into()
}

/// A content of bytes: of their default media type, and of any other.
pub(super) fn bytes_content() -> Value {
    parse_static(
        r#"{
            "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
            "*/*": { "schema": { "type": "string", "format": "binary" } }
        }"#,
    )
}

/// A content of form data, whose parts are unknown: bytes of any names. Without them, generated clients could send no part. Texts
/// beside the bytes would be truer, and openapi-python-client writes invalid code for such a choice.
pub(super) fn form_content() -> Value {
    parse_static(
        r#"{
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": { "type": "string", "format": "binary" }
                }
            }
        }"#,
    )
}

/// A content of JSON.
pub(super) fn json_content(schema: Value) -> Value {
    content(JSON, schema)
}
