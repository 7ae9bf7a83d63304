//! Finds extractors that fit no request. Their schemas show it, which exist only at run time.

use serde_json::{Map, Value};

use super::components::Schemas;
use super::fields::{NamedFields, types};
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
        let misfit = misfit.or_else(|| of_fields(known, &taken, schemas));
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

/// A type without named fields where the request has names with values.
fn of_names(known: &ArgumentInfo, part: &str, taken: &Value) -> Option<String> {
    let is_query = matches!(known.source, HeadSource::Query(_));
    // A list of other items may be a list of pairs, and a query may be left out as a whole.
    let is_list = taken.get("items").is_some_and(|items| !is_query || is_one_value(items));
    let is_optional = !is_query && is_nullable(taken);
    let is_map = !is_query && taken.get("additionalProperties").is_some_and(|further| *further != false);
    (is_list || is_optional || is_map || is_one_value(taken)).then(|| {
        let name = known.name();
        format!("`{name}`, but {part} names: write a struct that derives `Deserialize` and `JsonSchema`, with a field for each")
    })
}

/// A field that no text can be.
fn of_fields(known: &ArgumentInfo, taken: &Value, schemas: &Schemas) -> Option<String> {
    let is_path = matches!(known.source, HeadSource::Path(_));
    let fits = |schema: &Value| {
        let depth = if is_path { Depth::Text } else { Depth::List };
        is_text(schema, depth, schemas, &mut Vec::new())
    };
    let name = known.name();
    let fields = NamedFields::of(taken, schemas);
    if let Some(field) = fields.named.iter().find(|field| !fits(&field.schema)) {
        let field = &field.name;
        let list = if is_path { "" } else { ", or a list of such values" };
        return Some(format!(
            "`{name}`, but no text can be its field `{field}`: write a string, a number, a boolean or an enum without data{list}; \
             `#[serde(flatten)]` takes the fields of a struct"
        ));
    }
    let mut items = taken.get("prefixItems").and_then(Value::as_array).into_iter().flatten();
    items.find(|item| is_path && !fits(item)).map(|_| {
        format!("`{name}`, but no text can be one of its values: write strings, numbers, booleans and enums without data")
    })
}

/// What a parameter may be: a list of texts, or one text.
#[derive(Clone, Copy)]
enum Depth {
    List,
    Text,
}

/// Whether a text can be a value of this schema.
fn is_text(schema: &Value, depth: Depth, schemas: &Schemas, seen: &mut Vec<String>) -> bool {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if seen.iter().any(|known| known == reference) {
            return false;
        }
        seen.push(reference.to_owned());
        let is_text =
            schemas.definition(reference).is_none_or(|schema| is_text(schema, depth, schemas, seen));
        seen.pop();
        return is_text;
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(all) = schema.get(keyword).and_then(Value::as_array) {
            return all.iter().any(|one| is_text(one, depth, schemas, seen));
        }
    }
    if schema.get("type").is_none() {
        return true;
    }
    types(schema).any(|kind| match (kind, depth) {
        ("array", Depth::List) => {
            let mut items = schema.get("items").into_iter();
            items.all(|items| is_text(items, Depth::Text, schemas, seen))
        }
        ("array" | "object" | "null", _) => false,
        _ => true,
    })
}

/// Whether a schema accepts null.
fn is_nullable(schema: &Value) -> bool {
    let mut alternatives = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    types(schema).any(|kind| kind == "null") || alternatives.any(is_nullable)
}

/// Whether a schema is a text, a number or a boolean only, or null.
fn is_one_value(schema: &Value) -> bool {
    let mut kinds = types(schema).filter(|kind| *kind != "null").peekable();
    kinds.peek().is_some() && kinds.all(|kind| matches!(kind, "string" | "integer" | "number" | "boolean"))
}

/// Formats parameters as a list in a sentence.
fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}
