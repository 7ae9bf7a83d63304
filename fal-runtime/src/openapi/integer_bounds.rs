//! Adds the bounds of integers to schemas. schemars adds them for the smallest types only; for the others, a number
//! could match the schema and still be rejected.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::Value;

use crate::json::integer_bounds;

/// Adds missing bounds to every integer of a schema, at any depth.
pub(super) fn add_bounds(schema: &mut Schema) {
    if let Some((least, most)) = schema.get("format").and_then(Value::as_str).and_then(bounds) {
        let schema = schema.ensure_object();
        schema.entry("minimum").or_insert(least.into());
        schema.entry("maximum").or_insert(most.into());
    }
    transform_subschemas(&mut add_bounds, schema);
}

/// The bounds of an integer format.
pub(super) fn bounds(format: &str) -> Option<(i64, u64)> {
    integer_bounds::bounds(type_name(format)?)
}

/// The integer type of a format: `uint32` is `u32`, and `int` is `isize`. `None` for integers of 128 bits.
pub(crate) fn type_name(format: &str) -> Option<&'static str> {
    Some(match format {
        "int8" => "i8",
        "int16" => "i16",
        "int32" => "i32",
        "int64" => "i64",
        "int" => "isize",
        "uint8" => "u8",
        "uint16" => "u16",
        "uint32" => "u32",
        "uint64" => "u64",
        "uint" => "usize",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use schemars::json_schema;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_integer_reaches_as_far_as_its_type() {
        let mut schema =
            json_schema!({ "items": { "type": ["integer", "null"], "format": "uint32", "minimum": 0 } });
        add_bounds(&mut schema);
        assert_eq!(schema.pointer("/items/maximum"), Some(&json!(4_294_967_295_u32)));
    }

    #[test]
    fn what_a_schema_says_itself_stays() {
        let mut schema = json_schema!({ "type": "integer", "format": "int64", "minimum": 1 });
        add_bounds(&mut schema);
        let bounds = (schema.get("minimum"), schema.get("maximum"));
        assert_eq!(bounds, (Some(&json!(1)), Some(&json!(i64::MAX))));
    }
}
