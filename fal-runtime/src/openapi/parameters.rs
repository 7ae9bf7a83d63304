//! The parameters of an operation: path, query, headers, cookies.

use serde_json::Value;

use super::components::Schemas;
use super::fields::{Field, NamedFields};
use super::security::Security;
use crate::endpoint::{Endpoint, HeadSource, Requiredness};
use crate::extract::SecurityScheme;
use crate::json::{add, object};

/// The parameters of an operation, and the authentication that it accepts.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> (Vec<Value>, Security) {
    let mut of_path: Vec<(&str, Value)> =
        segments(endpoint.path()).map(|name| (name, object([("type", "string".into())]).into())).collect();
    let (mut others, mut security) = (Vec::new(), Security::default());
    for known in endpoint.sources() {
        let is_optional = known.requiredness == Requiredness::Optional;
        let (part, schema) = match known.source {
            HeadSource::Path(schema) => {
                path(&mut of_path, &schemas.fields(schema));
                continue;
            }
            HeadSource::Query(schema) => ("query", schema),
            HeadSource::Headers(schema) => ("header", schema),
            HeadSource::Cookies(schema) => ("cookie", schema),
            HeadSource::Security(accepted) => {
                security.accept(accepted, is_optional);
                continue;
            }
            HeadSource::App(argument) => {
                security.accept(argument.security, false);
                continue;
            }
            HeadSource::WebSocket | HeadSource::Context | HeadSource::Undocumented => continue,
        };
        let schema = schemas.fields(schema);
        let fields = NamedFields::of(&schema, schemas);
        for field in fields.named {
            add_field(&mut others, &mut security, part, field);
        }
        if let Some(additional) = fields.additional.filter(|_| part == "query") {
            others.push(further(additional));
        }
    }
    let mut parameters = Vec::new();
    for (name, schema) in of_path {
        parameters.push(parameter("path", name, true, schema));
    }
    parameters.append(&mut others);
    (parameters, security)
}

/// The types of undocumented arguments.
pub(super) fn undocumented(endpoint: &Endpoint) -> Vec<Value> {
    let unknown = endpoint.sources().filter(|known| matches!(known.source, HeadSource::Undocumented));
    unknown.map(|known| known.name().into()).collect()
}

/// Whether an endpoint takes the handshake of a WebSocket.
pub(super) fn is_web_socket(endpoint: &Endpoint) -> bool {
    endpoint.sources().any(|known| matches!(known.source, HeadSource::WebSocket))
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

/// Adds the parameter of a field. In OpenAPI, the headers of authentication and of content negotiation are no parameters.
fn add_field(parameters: &mut Vec<Value>, security: &mut Security, part: &str, field: Field) {
    let Field { name, schema, is_required } = field;
    let name = if part == "header" { name.replace('_', "-").to_ascii_lowercase() } else { name };
    match (part, name.as_str()) {
        ("header", "authorization") => {
            security.accept(&[SecurityScheme::BEARER, SecurityScheme::BASIC], !is_required);
        }
        ("header", "accept" | "content-type") => {}
        _ => parameters.push(parameter(part, &name, is_required, schema)),
    }
}

/// The parameter for all further names of a query, as OpenAPI describes them: an object whose own name is not sent.
fn further(schema: Value) -> Value {
    let object_of = object([("type", "object".into()), ("additionalProperties", schema)]);
    let mut parameter =
        object([("name", "parameters".into()), ("in", "query".into()), ("required", false.into())]);
    add(&mut parameter, "style", "form".into());
    add(&mut parameter, "explode", true.into());
    add(&mut parameter, "schema", object_of.into());
    parameter.into()
}

fn parameter(part: &str, name: &str, is_required: bool, mut schema: Value) -> Value {
    remove_null(&mut schema);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter =
        object([("name", name.into()), ("in", part.into()), ("required", is_required.into())]);
    if let Some(description) = description {
        add(&mut parameter, "description", description);
    }
    add(&mut parameter, "schema", schema);
    parameter.into()
}

/// Removes null from the types of a parameter: no text is null.
fn remove_null(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let is_null = |value: &Value| value == "null" || value.get("type").is_some_and(|kind| kind == "null");
    for keyword in ["type", "anyOf", "oneOf", "enum"] {
        let Some(all) = schema.get_mut(keyword).and_then(Value::as_array_mut) else { continue };
        all.retain(|one| !is_null(one) && !one.is_null());
        if keyword == "enum" || all.len() != 1 {
            continue;
        }
        match (keyword, all.pop()) {
            ("type", Some(kind)) => add(schema, "type", kind),
            (_, Some(Value::Object(only))) => {
                schema.remove(keyword);
                for (key, value) in only {
                    schema.entry(key).or_insert(value);
                }
            }
            _ => {}
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}
