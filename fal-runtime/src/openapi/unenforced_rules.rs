//! Finds rules in the document that fal-runtime does not check.

use serde_json::Value;

use super::components::Schemas;
use super::integer_bounds;
use crate::endpoint::{Endpoint, HeadSource, RuleChecker};
use crate::json::SchemaOf;
use crate::validation::length_units;

/// Reports the inputs of an endpoint with unchecked rules, a sentence each.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas, said: &mut Vec<String>) {
    if let Some(schema) = endpoint.json_body() {
        said.extend(unenforced(endpoint, &schema.name(), schema, endpoint.rules(), "", schemas));
    }
    for known in endpoint.sources() {
        let (HeadSource::Path(schema)
        | HeadSource::Query(schema)
        | HeadSource::Headers(schema)
        | HeadSource::Cookies(schema)) = known.source
        else {
            continue;
        };
        let and = ", an extractor of `fal_runtime::extract`";
        said.extend(unenforced(endpoint, &known.name(), schema, known.rules, and, schemas));
    }
}

fn unenforced(
    endpoint: &Endpoint,
    name: &str,
    schema: SchemaOf,
    rules: RuleChecker,
    and: &str,
    schemas: &mut Schemas,
) -> Option<String> {
    let endpoint = endpoint.name();
    let of = |field: &str| if field.is_empty() { String::new() } else { format!(" of `{field}`") };
    if let RuleChecker::Garde(validate) = rules {
        let of = of(&length_units::differing(schema, validate)?);
        return Some(format!(
            "the endpoint `{endpoint}` takes `{name}`, whose schema counts the length{of} in characters, and whose rule counts \
             another unit: write `#[garde(length(chars, …))]`"
        ));
    }
    let schema = schemas.fields(schema);
    let Rule { keyword, field } = find(&schema, "", schemas, &mut Vec::new())?;
    Some(format!(
        "the endpoint `{endpoint}` takes `{name}`, whose schema has rules (`{keyword}`{}) that fal-runtime does not check: derive \
         `garde::Validate` (garde 0.23, fal-runtime's feature `garde`{and}), unless its `Deserialize` checks them",
        of(field),
    ))
}

/// A rule of a schema.
struct Rule<'a> {
    keyword: &'static str,
    /// Empty if it belongs to no field.
    field: &'a str,
}

/// The keywords that schemars writes for attributes of a type.
const KEYWORDS: [&str; 7] =
    ["minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems"];

/// The first rule in a schema, following references.
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
        let rule = match (key.as_str(), value) {
            ("$ref", Value::String(reference)) if !seen.contains(&reference.as_str()) => {
                seen.push(reference);
                schemas.definition(reference).and_then(|definition| find(definition, field, schemas, seen))
            }
            ("properties", Value::Object(properties)) => {
                properties.iter().find_map(|(name, property)| find(property, name, schemas, seen))
            }
            ("items" | "additionalProperties", value) => find(value, field, schemas, seen),
            ("patternProperties", Value::Object(values)) => {
                values.values().find_map(|value| find(value, field, schemas, seen))
            }
            ("prefixItems" | "anyOf" | "oneOf" | "allOf", Value::Array(values)) => {
                values.iter().find_map(|value| find(value, field, schemas, seen))
            }
            _ => None,
        };
        if rule.is_some() {
            return rule;
        }
    }
    None
}

/// Whether the keyword is a rule and not a property of the type itself, such as the bounds of an integer, the
/// length of an array, the length of a `char`, or the pattern of a decimal.
fn is_rule(schema: &Value, keyword: &str) -> bool {
    let Some(value) = schema.get(keyword) else { return false };
    let is_both = |least, most| schema.get(least) == schema.get(most);
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let ends = integer_bounds::bounds(format);
    !match keyword {
        "minimum" if format.starts_with("uint") => *value == 0 || *value == 1,
        "minimum" => ends.is_some_and(|(least, _)| *value == least),
        "maximum" => ends.is_some_and(|(_, most)| *value == most),
        "minItems" | "maxItems" => is_both("minItems", "maxItems") || *value == 0,
        "minLength" | "maxLength" => is_both("minLength", "maxLength") && *value == 1,
        _ => schema.get("type").is_some_and(|kind| kind != "string"),
    }
}
