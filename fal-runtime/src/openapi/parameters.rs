//! The parameters of an operation: path, query, headers, cookies.

use serde_json::Value;

use super::components::Schemas;
use crate::endpoint::{Endpoint, HeadSource};
use crate::json::{add, object};

/// The parameters of an operation.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Value> {
    let mut of_path: Vec<(&str, Value)> =
        segments(endpoint.path()).map(|name| (name, object([("type", "string".into())]).into())).collect();
    let mut others = Vec::new();
    for source in endpoint.sources().map(|known| known.source) {
        match source {
            HeadSource::Path(schema) => path(&mut of_path, &schemas.fields(schema)),
            HeadSource::Query(schema) => fields(&mut others, "query", &schemas.fields(schema)),
            HeadSource::Headers(schema) => fields(&mut others, "header", &schemas.fields(schema)),
            HeadSource::Cookies(schema) => fields(&mut others, "cookie", &schemas.fields(schema)),
            HeadSource::Context | HeadSource::Undocumented => {}
        }
    }
    let mut parameters = Vec::new();
    for (name, schema) in of_path {
        parameters.push(parameter("path", name, true, schema));
    }
    parameters.append(&mut others);
    parameters
}

/// The types of undocumented arguments.
pub(super) fn undocumented(endpoint: &Endpoint) -> Vec<Value> {
    let unknown = endpoint.sources().filter(|known| matches!(known.source, HeadSource::Undocumented));
    unknown.map(|known| known.name().into()).collect()
}

/// Whether a request head can be invalid (status 422).
pub(super) fn may_be_invalid(endpoint: &Endpoint) -> bool {
    let is_read = |source| {
        matches!(
            source,
            HeadSource::Path(_) | HeadSource::Query(_) | HeadSource::Headers(_) | HeadSource::Cookies(_)
        )
    };
    endpoint.sources().any(|known| is_read(known.source))
}

/// The names of a path's parameters.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// Sets the schemas of path parameters from the schema of the type that takes them: a struct by name, a tuple by
/// position, any other type for a single parameter.
fn path(parameters: &mut [(&str, Value)], taken: &Value) {
    let is_alone = parameters.len() == 1 && taken.get("prefixItems").is_none();
    for (at, (name, schema)) in parameters.iter_mut().enumerate() {
        let by_name = taken.pointer(&format!("/properties/{name}"));
        let by_place = taken.pointer(&format!("/prefixItems/{at}"));
        if let Some(known) = by_name.or(by_place).or(is_alone.then_some(taken)) {
            *schema = known.clone();
        }
    }
}

/// Adds a parameter for each field of a struct.
fn fields(parameters: &mut Vec<Value>, part: &str, schema: &Value) {
    let required = schema.get("required").and_then(Value::as_array);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (field, property) in properties {
        let is_required = required.is_some_and(|required| required.iter().any(|name| name == field));
        let name = if part == "header" { field.replace('_', "-") } else { field.clone() };
        parameters.push(parameter(part, &name, is_required, property.clone()));
    }
}

fn parameter(part: &str, name: &str, is_required: bool, mut schema: Value) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter =
        object([("name", name.into()), ("in", part.into()), ("required", is_required.into())]);
    if let Some(description) = description {
        add(&mut parameter, "description", description);
    }
    add(&mut parameter, "schema", schema);
    parameter.into()
}
