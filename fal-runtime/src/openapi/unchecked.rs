//! Rules that the document has and nobody checks.

use serde_json::Value;

use super::components::Schemas;
use super::ranges;
use crate::Endpoint;
use crate::endpoint::Source;

/// What an endpoint takes whose schema has rules that are not checked, a sentence each.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<String> {
    let body = endpoint.body().into_iter().map(|(schema, known)| (known, schema, ""));
    let head = endpoint.sources().filter_map(|known| match known.source {
        Source::Path(schema) | Source::Query(schema) | Source::Headers(schema) | Source::Cookies(schema) => {
            Some((known, schema, ", an extractor of `fal_runtime::extract`"))
        }
        Source::Context | Source::Undocumented => None,
    });
    let mut unchecked = Vec::new();
    for (known, schema, and) in body.chain(head).filter(|(known, ..)| !known.is_checked()) {
        let schema = schemas.fields(schema);
        if let Some(Rule { keyword, field }) = find(&schema, "", schemas, &mut Vec::new()) {
            let of = if field.is_empty() { String::new() } else { format!(" of `{field}`") };
            unchecked.push(format!(
                "the endpoint `{}` takes `{}`, whose schema has rules (`{keyword}`{of}) that fal-runtime does not check: \
                 derive `garde::Validate` (garde 0.23, fal-runtime's feature `garde`{and}), unless its \
                 `Deserialize` checks them",
                endpoint.name(),
                known.name(),
            ));
        }
    }
    unchecked
}

/// A rule of a schema.
struct Rule<'a> {
    keyword: &'static str,
    /// Empty where it is no field's.
    field: &'a str,
}

/// What rules are written with that schemars takes from a type's attributes.
const KEYWORDS: [&str; 7] =
    ["minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems"];

/// The first rule in a schema and in what it refers to.
fn find<'a>(
    schema: &'a Value,
    field: &'a str,
    schemas: &'a Schemas,
    seen: &mut Vec<&'a str>,
) -> Option<Rule<'a>> {
    if let Some(keyword) = KEYWORDS.into_iter().find(|keyword| is_rule(schema, keyword)) {
        return Some(Rule { keyword, field });
    }
    for (key, value) in schema.as_object()? {
        let mut parts: Vec<(&str, &Value)> = Vec::new();
        match (key.as_str(), value) {
            ("$ref", Value::String(reference)) if !seen.contains(&reference.as_str()) => {
                seen.push(reference);
                parts.extend(schemas.definition(reference).map(|definition| (field, definition)));
            }
            ("properties", Value::Object(properties)) => {
                parts.extend(properties.iter().map(|(name, property)| (name.as_str(), property)));
            }
            ("patternProperties", Value::Object(values)) => {
                parts.extend(values.values().map(|value| (field, value)));
            }
            ("items" | "additionalProperties", value) => parts.push((field, value)),
            ("prefixItems" | "anyOf" | "oneOf" | "allOf", Value::Array(values)) => {
                parts.extend(values.iter().map(|value| (field, value)));
            }
            _ => {}
        }
        let rule = parts.into_iter().find_map(|(field, part)| find(part, field, schemas, seen));
        if rule.is_some() {
            return rule;
        }
    }
    None
}

/// Whether a schema says this, and the type would not be what it is without: the ends of an integer, the length of an
/// array, the one character of a `char`, and the form of a decimal's text are no rules.
fn is_rule(schema: &Value, keyword: &str) -> bool {
    let Some(value) = schema.get(keyword) else { return false };
    let is_both = |least, most| schema.get(least) == schema.get(most);
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let ends = ranges::ends(format);
    !match keyword {
        "minimum" if format.starts_with("uint") => *value == 0 || *value == 1,
        "minimum" => ends.is_some_and(|(least, _)| *value == least),
        "maximum" => ends.is_some_and(|(_, most)| *value == most),
        "minItems" | "maxItems" => is_both("minItems", "maxItems") || *value == 0,
        "minLength" | "maxLength" => is_both("minLength", "maxLength") && *value == 1,
        _ => schema.get("type").is_some_and(|kind| kind != "string"),
    }
}
