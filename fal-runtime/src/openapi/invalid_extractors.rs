//! Finds extractors that fit no request. Their schemas show it, which exist only at run time.

use serde_json::{Map, Value};

use super::components::Schemas;
use super::parameters::segments;
use crate::answer::Content;
use crate::endpoint::{ArgumentInfo, Endpoint, HeadSource};

/// Reports the extractors of an endpoint that fit no request, a sentence each.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas, said: &mut Vec<String>) {
    for known in endpoint.sources() {
        let (part, schema) = match known.source {
            HeadSource::Path(schema) => ("", schema),
            HeadSource::Query(schema) => ("a query has", schema),
            HeadSource::Headers(schema) => ("headers have", schema),
            HeadSource::Cookies(schema) => ("cookies have", schema),
            HeadSource::WebSocket => {
                said.extend(of_web_socket(endpoint, known));
                continue;
            }
            HeadSource::Security(_) | HeadSource::App(_) | HeadSource::Context | HeadSource::Undocumented => {
                continue;
            }
        };
        let taken = schemas.resolved(schema);
        let misfit = if part.is_empty() { of_path(endpoint, &taken) } else { of_names(known, part, &taken) };
        said.extend(misfit.map(|misfit| format!("the endpoint `{}` takes {misfit}", endpoint.name())));
    }
}

/// A WebSocket whose handshake is never answered.
fn of_web_socket(endpoint: &Endpoint, known: &ArgumentInfo) -> Option<String> {
    let is_answered = matches!(endpoint.content(), Content::Undocumented);
    (!is_answered).then(|| {
        let (name, upgrade) = (endpoint.name(), known.name());
        format!(
            "the endpoint `{name}` takes `{upgrade}`, but does not return its response: write `-> Response` with \
             `fal_runtime::answer::Response`, and return what `on_upgrade` returns"
        )
    })
}

fn of_path(endpoint: &Endpoint, taken: &Value) -> Option<String> {
    let names: Vec<_> = segments(endpoint.path()).collect();
    let (taken, instead) = match taken.get("properties").and_then(Value::as_object) {
        Some(properties) => misnamed(properties, taken, &names)?,
        None => {
            (misnumbered(taken, names.len())?, "write a tuple of as many, or a struct with a field for each")
        }
    };
    Some(format!("{taken} from its path, which has {}: {instead}", list(&names)))
}

/// A field without a parameter, or a parameter without a field in a closed struct; with advice.
fn misnamed(
    properties: &Map<String, Value>,
    taken: &Value,
    names: &[&str],
) -> Option<(String, &'static str)> {
    let mut fields =
        taken.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(field) = fields.find(|field| !names.contains(field)) {
        return Some((format!("`{field}`"), "name the field as the parameter"));
    }
    let is_closed = taken.get("additionalProperties") == Some(&Value::Bool(false));
    let extra = names.iter().find(|name| is_closed && !properties.contains_key(**name))?;
    Some((format!("no `{extra}`"), "write a field for each parameter"))
}

/// A number of values that differs from the number of parameters.
fn misnumbered(taken: &Value, parameters: usize) -> Option<String> {
    match taken.get("prefixItems").and_then(Value::as_array).map(Vec::len) {
        Some(values) => (values != parameters).then(|| format!("{values} values")),
        None => (parameters > 1 && is_one_value(taken)).then(|| "one value".to_owned()),
    }
}

/// A single value where the request has names with values.
fn of_names(known: &ArgumentInfo, part: &str, taken: &Value) -> Option<String> {
    // A list of other items may be a list of pairs.
    let is_list = taken.get("items").is_some_and(is_one_value);
    (is_list || is_one_value(taken)).then(|| {
        let name = known.name();
        format!("`{name}`, but {part} names: write a struct that derives `Deserialize` and `JsonSchema`, with a field for each")
    })
}

/// Whether a schema is a text, a number or a boolean only.
fn is_one_value(schema: &Value) -> bool {
    let kind = schema.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| matches!(kind, "string" | "integer" | "number" | "boolean"))
}

/// Formats parameters as a list in a sentence.
fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}
