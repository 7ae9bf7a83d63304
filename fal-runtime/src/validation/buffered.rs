//! The places of errors inside of what serde buffers: internally tagged, adjacently tagged and flattened types. serde reports such
//! an error at the buffered object. The schema tells which value in it is wrong.

use serde_json::Value;

use super::location::lookup;
use super::repair::{Repair, alternatives, item, member, required};
use crate::error::Step;
use crate::foreign_messages::Expected;
use crate::json::{ErrorKind, LocatedError};
use crate::openapi::{type_name, types};

impl Repair {
    /// The error at its own place, if it is at the object around it.
    pub(super) fn relocate(&self, error: &LocatedError, body: &Value) -> LocatedError {
        let mut relocated = error.clone();
        if matches!(error.kind, ErrorKind::Syntax | ErrorKind::NotUnicode | ErrorKind::Custom(_)) {
            // The type has read the value, or could not.
            return relocated;
        }
        let (mut value, mut schemas) = (body, self.schemas_of(self.schema(), body));
        for (index, step) in error.path.iter().enumerate() {
            let next = lookup(value, step);
            let below = self.below(&schemas, step, next);
            if below.iter().any(|schema| schema.get("const").is_some()) {
                // A tag: with it the content that came before it was read.
                relocated.path.truncate(index);
                break;
            }
            (value, schemas) = (next, below);
        }
        if self.find(&error.kind, value, &schemas, &mut relocated.path) { relocated } else { error.clone() }
    }

    /// Whether the error can be at this value or in it; then the path leads there.
    fn find(&self, kind: &ErrorKind, value: &Value, schemas: &[&Value], path: &mut Vec<Step>) -> bool {
        schemas.iter().any(|schema| contradicts(kind, value, schema))
            || children(value).any(|(step, child)| {
                let schemas = self.below(schemas, &step, child);
                path.push(step);
                let is_found = self.find(kind, child, &schemas, path);
                if !is_found {
                    path.pop();
                }
                is_found
            })
    }

    /// The schemas of a member or an item.
    fn below<'a>(&'a self, schemas: &[&'a Value], step: &Step, value: &Value) -> Vec<&'a Value> {
        let schema = |schema: &&'a Value| match step {
            Step::Key(key) => member(schema, key),
            Step::Index(index) => item(schema, *index),
        };
        schemas.iter().filter_map(schema).flat_map(|schema| self.schemas_of(schema, value)).collect()
    }
}

/// The members or items of a value.
fn children(value: &Value) -> impl Iterator<Item = (Step, &Value)> {
    let members = value.as_object().into_iter().flatten();
    let items = value.as_array().into_iter().flatten().enumerate();
    members
        .map(|(key, value)| (Step::Key(key.clone().into()), value))
        .chain(items.map(|(index, value)| (Step::Index(index), value)))
}

/// Whether a value contradicts its schema as an error of this kind says.
fn contradicts(kind: &ErrorKind, value: &Value, schema: &Value) -> bool {
    match kind {
        ErrorKind::MissingField(field) => {
            value.is_object() && value.get(field).is_none() && required(schema).any(|name| name == *field)
        }
        ErrorKind::UnknownField(field) => {
            let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
            is_closed && value.get(field).is_some() && member(schema, field).is_none()
        }
        ErrorKind::UnknownVariant(variants) => {
            let mut known = names(schema).peekable();
            value.is_string()
                && known.peek().is_some()
                && known.all(|name| name != value && variants.iter().any(|it| name == it))
        }
        ErrorKind::WrongType(name) => {
            let wanted = match Expected::of(name) {
                Expected::Boolean => "boolean",
                Expected::Integer => "integer",
                Expected::Float => "number",
                Expected::String => "string",
                Expected::List | Expected::Tuple => "array",
                Expected::Map | Expected::Struct => "object",
                Expected::Enum | Expected::TaggedEnum | Expected::Unit | Expected::Other => return false,
            };
            let is_other_integer = schema
                .get("format")
                .and_then(Value::as_str)
                .and_then(type_name)
                .is_some_and(|integer| integer != name);
            types(schema).any(|known| known == wanted)
                && !is_other_integer
                && !types(schema).any(|known| is_of(value, known, schema))
        }
        ErrorKind::Syntax | ErrorKind::NotUnicode | ErrorKind::Custom(_) => false,
    }
}

/// The names of variants without content.
fn names(schema: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(schema).chain(alternatives(schema)).flat_map(|schema| {
        let several = schema.get("enum").and_then(Value::as_array);
        several.into_iter().flatten().chain(schema.get("const"))
    })
}

/// Whether a value is of this type, and an integer within its bounds.
fn is_of(value: &Value, name: &str, schema: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => {
            let bound = |keyword| schema.get(keyword).and_then(Value::as_f64);
            value.as_f64().is_some_and(|number| {
                number.fract() == 0.0
                    && bound("minimum").is_none_or(|least| least <= number)
                    && bound("maximum").is_none_or(|most| number <= most)
            })
        }
        _ => true,
    }
}
