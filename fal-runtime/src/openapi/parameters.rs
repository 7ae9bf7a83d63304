//! What an endpoint takes from the head of a request.

use serde_json::{Map, Value, json};

use super::components::Schemas;
use crate::Endpoint;
use crate::endpoint::{SchemaOf, Source};

/// The parameters of an operation.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Value> {
    let names = segments(endpoint.path());
    let mut of_path: Vec<_> = names.iter().map(|_| json!({ "type": "string" })).collect();
    let mut others = Vec::new();
    for source in endpoint.sources().map(|known| known.source) {
        match source {
            Source::Path(schema) => of_path = path(&names, of_path, &schemas.fields(schema)),
            Source::Query(schema) => others.extend(fields("query", schema, schemas, str::to_owned)),
            Source::Headers(schema) => {
                others.extend(fields("header", schema, schemas, |field| field.replace('_', "-")));
            }
            Source::Cookies(schema) => others.extend(fields("cookie", schema, schemas, str::to_owned)),
            Source::Context | Source::Undocumented => {}
        }
    }
    let of_path = names.into_iter().zip(of_path).map(|(name, schema)| parameter("path", name, true, schema));
    of_path.chain(others).collect()
}

/// The types of those arguments that take something of which nothing is known.
pub(super) fn undocumented(endpoint: &Endpoint) -> Vec<&'static str> {
    let unknown = endpoint.sources().filter(|known| matches!(known.source, Source::Undocumented));
    unknown.map(|known| known.name).collect()
}

/// Whether what a client sends in the head may be refused as invalid.
pub(super) fn may_be_invalid(endpoint: &Endpoint) -> bool {
    let is_read = |source| {
        matches!(source, Source::Path(_) | Source::Query(_) | Source::Headers(_) | Source::Cookies(_))
    };
    endpoint.sources().any(|known| is_read(known.source))
}

/// The names of a path's parameters.
fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// The schemas of a path's parameters, by the schema of the type that takes them: a struct by their names, a tuple by
/// their places, anything else where there is one.
fn path(names: &[&str], unknown: Vec<Value>, taken: &Value) -> Vec<Value> {
    let place = |at: usize, name: &str| {
        let by_name = taken.pointer(&format!("/properties/{name}"));
        let by_place = taken.pointer(&format!("/prefixItems/{at}"));
        let alone = (names.len() == 1 && taken.get("prefixItems").is_none()).then_some(taken);
        by_name.or(by_place).or(alone).cloned()
    };
    let places = names.iter().zip(unknown).enumerate();
    places.map(|(at, (name, unknown))| place(at, name).unwrap_or(unknown)).collect()
}

/// A parameter for each field of a struct.
fn fields(part: &str, schema: SchemaOf, schemas: &mut Schemas, name: fn(&str) -> String) -> Vec<Value> {
    let schema = schemas.fields(schema);
    let required: Vec<_> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let parameters = properties.map(|(field, property)| {
        parameter(part, &name(field), required.contains(&field.as_str()), property.clone())
    });
    parameters.collect()
}

fn parameter(part: &str, name: &str, is_required: bool, mut schema: Value) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = Map::from_iter([
        ("name".to_owned(), name.into()),
        ("in".to_owned(), part.into()),
        ("required".to_owned(), is_required.into()),
    ]);
    parameter.extend(description.map(|description| ("description".to_owned(), description)));
    parameter.insert("schema".into(), schema);
    parameter.into()
}
