//! Writes the schema `true` as `{}`, and `false` as `{"not": {}}`: several generators of clients expect an object.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::Map;

use crate::json::object;

/// The keywords whose value stays a boolean.
const FLAGS: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];

/// Replaces every boolean schema, at any depth.
pub(super) fn replace_booleans(schema: &mut Schema) {
    match schema.as_bool() {
        Some(true) => *schema = Map::new().into(),
        Some(false) => *schema = object([("not", Map::new().into())]).into(),
        None => {}
    }
    let flags = FLAGS.map(|key| schema.get(key).filter(|value| value.is_boolean()).cloned());
    transform_subschemas(&mut replace_booleans, schema);
    for (key, flag) in FLAGS.into_iter().zip(flags) {
        if let Some(flag) = flag {
            schema.insert(key.to_owned(), flag);
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::json_schema;

    use super::*;

    #[test]
    fn a_boolean_schema_becomes_an_object_and_a_flag_stays() {
        let mut schema = json_schema!({
            "properties": { "any": true, "none": false, "list": { "items": true } },
            "additionalProperties": false,
        });
        replace_booleans(&mut schema);
        let expected = json_schema!({
            "properties": { "any": {}, "none": { "not": {} }, "list": { "items": {} } },
            "additionalProperties": false,
        });
        assert_eq!(schema, expected);
    }
}
