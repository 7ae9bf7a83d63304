//! Records the order of declaration, in the extension keys of fal's Python SDK. JSON objects have no order, and a
//! form made from a schema should follow the author's order.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value};

/// Records the order of the paths.
pub(super) fn mark_paths(document: &mut Map<String, Value>) {
    mark(document, "paths", "x-fal-order-paths");
}

/// Records the order of the properties of a schema, at any depth.
pub(super) fn mark_properties(schema: &mut Schema) {
    if let Some(schema) = schema.as_object_mut() {
        mark(schema, "properties", "x-fal-order-properties");
    }
    transform_subschemas(&mut mark_properties, schema);
}

fn mark(object: &mut Map<String, Value>, key: &str, order: &str) {
    if let Some(Value::Object(members)) = object.get(key) {
        let names = members.keys().cloned().map(Value::String).collect();
        object.insert(order.into(), names);
    }
}

#[cfg(test)]
mod tests {
    use schemars::json_schema;

    use super::*;

    #[test]
    fn the_order_of_properties_is_marked_at_every_depth() {
        let mut schema = json_schema!({
            "properties": {
                "zulu": { "type": "string" },
                "alpha": { "items": { "properties": { "one": true, "a": true } } },
            },
        });
        mark_properties(&mut schema);
        assert_eq!(schema.pointer("/x-fal-order-properties"), Some(&serde_json::json!(["zulu", "alpha"])));
        let inner = schema.pointer("/properties/alpha/items/x-fal-order-properties");
        assert_eq!(inner, Some(&serde_json::json!(["one", "a"])));
    }

    #[test]
    fn a_property_that_is_called_properties_is_a_property() {
        let mut schema = json_schema!({ "properties": { "properties": { "type": "object" } } });
        mark_properties(&mut schema);
        assert_eq!(schema.pointer("/properties/x-fal-order-properties"), None);
        assert_eq!(schema.pointer("/x-fal-order-properties"), Some(&serde_json::json!(["properties"])));
    }
}
