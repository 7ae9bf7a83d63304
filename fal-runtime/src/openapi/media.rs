//! Responses and contents by their media type.

use serde_json::Value;

use crate::json::object;

const JSON: &str = "application/json";

/// A response of JSON.
pub(super) fn response(description: &str, schema: Value) -> Value {
    response_as(JSON, description, schema)
}

pub(super) fn response_as(media_type: &str, description: &str, schema: Value) -> Value {
    object([("description", description.into()), ("content", content(media_type, schema))]).into()
}

fn content(media_type: &str, schema: Value) -> Value {
    object([(media_type, object([("schema", schema)]).into())]).into()
}

/// A content of JSON.
pub(super) fn json_content(schema: Value) -> Value {
    content(JSON, schema)
}
