//! Makes small valid values of a type, and repairs one place of an invalid body with them, so that reading gets further.

use serde_json::{Map, Value};

use crate::error::Step;
use crate::json::SchemaOf;
use crate::openapi::{Schemas, types};

/// The deepest nesting of a made value, and of references.
const MAX_DEPTH: usize = 32;

/// The longest made list or text.
const MAX_LENGTH: u64 = 64;

/// Texts of formats that types of many apps read.
const TEXTS: [(&str, &str); 11] = [
    ("date-time", "1970-01-01T00:00:00Z"),
    ("partial-date-time", "1970-01-01T00:00:00"),
    ("date", "1970-01-01"),
    ("partial-time", "00:00:00"),
    ("duration", "PT0S"),
    ("uuid", "00000000-0000-0000-0000-000000000000"),
    ("ip", "::"),
    ("ipv4", "0.0.0.0"),
    ("ipv6", "::"),
    ("uri", "http://localhost/"),
    ("email", "a@example.com"),
];

/// Makes valid values of one type.
#[derive(Debug)]
pub(super) struct Repair {
    schemas: Schemas,
    schema: Value,
}

impl Repair {
    pub(super) fn new(schema: SchemaOf) -> Self {
        let mut schemas = Schemas::new();
        let schema = schemas.input(schema);
        Self { schemas, schema }
    }

    /// The schema of the type.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// A small value of the type, with this text at the place.
    pub(super) fn with(&self, place: &[Step], text: Value) -> Option<Value> {
        let mut whole = self.make(&self.schema, 0);
        let (mut value, mut schema) = (&mut whole, self.resolve(&self.schema));
        for step in place {
            let next = match (step, value) {
                (Step::Key(key), Value::Object(members)) => {
                    let schema = member(schema, key)?;
                    (members.entry(key.as_ref()).or_insert_with(|| self.make(schema, 0)), schema)
                }
                (Step::Index(index), Value::Array(items)) => {
                    let schema = item(schema, *index)?;
                    if items.len() == *index {
                        items.push(self.make(schema, 0));
                    }
                    (items.get_mut(*index)?, schema)
                }
                _ => return None,
            };
            (value, schema) = (next.0, self.resolve(next.1));
        }
        *value = text;
        Some(whole)
    }

    /// Removes the value at this place or replaces it by a valid one. If the schema allows several types there, the place
    /// becomes that of the alternatives: which one the client meant is unknown.
    pub(super) fn apply(&self, body: &mut Value, place: &mut Vec<Step>, is_unknown: bool) {
        let repaired = self.apply_below(body, &self.schema, place, is_unknown);
        place.truncate(repaired);
    }

    /// Repairs the place below a value; returns how many of its steps lead to what was replaced.
    fn apply_below(&self, value: &mut Value, schema: &Value, place: &[Step], is_unknown: bool) -> usize {
        let schemas = self.schemas_of(schema, value);
        let next = match (place, &mut *value) {
            ([Step::Key(key), rest @ ..], Value::Object(members)) => {
                let member = schemas.iter().find_map(|schema| member(schema, key));
                let mut required = schemas.iter().flat_map(|schema| required(schema));
                let is_optional = member.is_some() && required.all(|name| name != key);
                if rest.is_empty() && (is_optional || (is_unknown && member.is_none())) {
                    members.shift_remove(key.as_ref());
                    return 1;
                }
                member.map(|schema| (members.entry(key.as_ref()).or_insert(Value::Null), schema, rest))
            }
            ([Step::Index(index), rest @ ..], Value::Array(items)) => {
                let schema = schemas.iter().find_map(|schema| item(schema, *index));
                items.get_mut(*index).zip(schema).map(|(value, schema)| (value, schema, rest))
            }
            _ => None,
        };
        if let Some((next, schema, rest)) = next {
            return 1 + self.apply_below(next, schema, rest, is_unknown);
        }
        *value = self.make(schema, 0);
        0
    }

    /// The definition that a schema refers to.
    pub(super) fn definition(&self, schema: &Value) -> Option<&Value> {
        self.schemas.definition(schema.get("$ref")?.as_str()?)
    }

    /// The schemas that a value has to match: of alternatives, the one that its tag names.
    pub(super) fn schemas_of<'a>(&'a self, schema: &'a Value, value: &Value) -> Vec<&'a Value> {
        let mut schemas = vec![schema];
        let mut index = 0;
        while let Some(schema) = schemas.get(index).copied().filter(|_| index < MAX_DEPTH) {
            schemas.extend(self.definition(schema));
            schemas.extend(schema.get("allOf").and_then(Value::as_array).into_iter().flatten());
            schemas.extend(match alternatives(schema) {
                [one, other] if types(other).eq(["null"]) => Some(one),
                alternatives => alternatives.iter().find(|alternative| is_named(alternative, value)),
            });
            index += 1;
        }
        schemas
    }

    /// Follows references, and takes the other one of null and another schema.
    pub(super) fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..MAX_DEPTH {
            let next = match self.definition(schema) {
                Some(definition) => definition,
                None => match alternatives(schema) {
                    [one, other] if is_null(one) => other,
                    [one, other] if is_null(other) => one,
                    _ => break,
                },
            };
            schema = next;
        }
        schema
    }

    /// Makes a small value of this schema.
    fn make(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        let known = schema.get("const").or_else(|| schema.get("enum")?.get(0));
        let others = alternatives(schema);
        if let Some(known) = known {
            return known.clone();
        }
        let number = |keyword: &str| schema.get(keyword).and_then(Value::as_u64).unwrap_or_default();
        let length = |keyword: &str| usize::try_from(number(keyword).min(MAX_LENGTH)).unwrap_or_default();
        let make =
            |schema: &Value| if depth < MAX_DEPTH { self.make(schema, depth + 1) } else { Value::Null };
        match (types(schema).next(), others) {
            (Some("boolean"), _) => false.into(),
            (Some("integer" | "number"), _) => {
                let least = number("minimum");
                // The schema of a signed `NonZero` type.
                let is_forbidden = schema.pointer("/not/const").and_then(Value::as_u64) == Some(least);
                (least + u64::from(is_forbidden)).into()
            }
            (Some("string"), _) => {
                let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
                let known = TEXTS.iter().find(|(known, _)| *known == format);
                known.map_or_else(|| "a".repeat(length("minLength")), |(_, text)| (*text).to_owned()).into()
            }
            (Some("array"), _) => {
                let items = 0..length("minItems");
                items.map(|index| item(schema, index).map_or(Value::Null, make)).collect()
            }
            (None, [first, ..]) if schema.get("properties").is_none() => make(first),
            (None | Some("object"), others) => {
                let mut members = Map::new();
                for name in required(schema) {
                    members.insert(name.to_owned(), member(schema, name).map_or(Value::Null, make));
                }
                // The fields of a flattened enum.
                if let Some(Value::Object(flattened)) = others.first().map(make) {
                    members.extend(flattened);
                }
                members.into()
            }
            (Some(_), _) => Value::Null,
        }
    }
}

/// The schema of a member of an object.
pub(super) fn member<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let known = schema.get("properties").and_then(|properties| properties.get(name));
    known.or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()))
}

/// The schema of an item of a list or tuple.
pub(super) fn item(schema: &Value, index: usize) -> Option<&Value> {
    schema.get("prefixItems").and_then(|items| items.get(index)).or_else(|| schema.get("items"))
}

pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn alternatives(schema: &Value) -> &[Value] {
    let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    alternatives.map(Vec::as_slice).unwrap_or_default()
}

fn is_null(schema: &Value) -> bool {
    types(schema).eq(["null"])
}

/// Whether a value is the variant of this schema: by its tag, or by its only key.
fn is_named(schema: &Value, value: &Value) -> bool {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return false };
    let tags = properties.iter().filter_map(|(name, schema)| Some((name, schema.get("const")?)));
    let mut tags = tags.peekable();
    match tags.peek() {
        Some(_) => tags.all(|(name, tag)| value.get(name) == Some(tag)),
        None => properties.len() == 1 && properties.keys().all(|name| value.get(name).is_some()),
    }
}
