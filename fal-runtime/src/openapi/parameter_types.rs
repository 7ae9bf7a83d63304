//! The types of an endpoint's parameters, as their schemas say.

use indexmap::IndexMap;
use serde_json::Value;

use super::components::Schemas;
use super::fields::{NamedFields, types};
use super::integer_bounds;
use crate::endpoint::{Endpoint, HeadSource};
use crate::extract::{FieldType, ParameterTypes, PartTypes, ScalarType};

/// The types of the parameters in a request's head. `None` if there are no parameters with names.
pub(crate) fn parameter_types(endpoint: &Endpoint) -> Option<ParameterTypes> {
    let mut schemas = Schemas::new();
    let mut parts: IndexMap<&str, PartTypes> = IndexMap::new();
    for known in endpoint.sources() {
        let (part, schema) = match known.source {
            HeadSource::Path(schema) => ("path", schema),
            HeadSource::Query(schema) => ("query", schema),
            HeadSource::Headers(schema) => ("header", schema),
            HeadSource::Cookies(schema) => ("cookie", schema),
            HeadSource::Security(_)
            | HeadSource::App(_)
            | HeadSource::WebSocket
            | HeadSource::Context
            | HeadSource::Undocumented => continue,
        };
        let schema = schemas.fields(schema);
        let fields = NamedFields::of(&schema, &schemas);
        let types = parts.entry(part).or_default();
        for field in fields.named {
            types.named.insert(field.name, field_type(&field.schema, &schemas));
        }
        if let Some(additional) = fields.additional {
            types.additional = Some(field_type(&additional, &schemas));
        }
    }
    parts.retain(|_, types| !types.named.is_empty() || types.additional.is_some());
    if parts.is_empty() { None } else { Some(ParameterTypes(parts.into_iter().collect())) }
}

fn field_type(schema: &Value, schemas: &Schemas) -> FieldType {
    let mut found = FieldType { is_list: false, scalars: Vec::new() };
    collect(schema, schemas, &mut Vec::new(), &mut found);
    found
}

/// Adds what a schema accepts, in its order.
fn collect(schema: &Value, schemas: &Schemas, seen: &mut Vec<String>, found: &mut FieldType) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str)
        && !seen.iter().any(|known| known == reference)
        && let Some(definition) = schemas.definition(reference)
    {
        seen.push(reference.to_owned());
        collect(definition, schemas, seen, found);
        seen.pop();
    }
    for kind in types(schema) {
        let scalar = match kind {
            "integer" => integer(schema),
            "number" => ScalarType::Number,
            "boolean" => ScalarType::Boolean,
            "string" => ScalarType::Text,
            "array" => {
                found.is_list = true;
                schema.get("items").into_iter().for_each(|items| collect(items, schemas, seen, found));
                continue;
            }
            _ => continue,
        };
        if !found.scalars.contains(&scalar) {
            found.scalars.push(scalar);
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        let all = schema.get(keyword).and_then(Value::as_array);
        all.into_iter().flatten().for_each(|one| collect(one, schemas, seen, found));
    }
}

/// The integer type of a schema by its format. Serde buffers no integer of more than 64 bits.
fn integer(schema: &Value) -> ScalarType {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    ScalarType::Integer(integer_bounds::type_name(format).unwrap_or("i64"))
}
