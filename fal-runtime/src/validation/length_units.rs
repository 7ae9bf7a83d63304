//! Finds texts whose length garde counts in another unit than characters, which is what their schema promises.
//!
//! The schema is the same for every unit, and a `Validate` does not show its rules. So values with texts of several bytes for a
//! character are validated, and values with ASCII texts of as many characters. If the results differ, the rule counts another unit.

use serde_json::Value;

use super::repair::{Repair, item};
use crate::error::Step;
use crate::json::SchemaOf;
use crate::openapi::types;

/// Reads a value from JSON and lists the rules that it breaks; `None` if it cannot be read.
pub(crate) type ReadAndValidate = fn(&str) -> Option<Vec<String>>;

/// The longest tried text, in characters.
const MAX_LENGTH: u64 = 1 << 16;

/// The deepest field that is looked at.
const MAX_DEPTH: usize = 16;

/// The name of the first field with a length in another unit; empty if the type has no fields.
pub(crate) fn differing(schema: SchemaOf, validate: ReadAndValidate) -> Option<String> {
    let repair = Repair::new(schema);
    let mut search = Search { repair: &repair, validate, place: Vec::new(), seen: Vec::new() };
    search.below(repair.schema())
}

struct Search<'a> {
    repair: &'a Repair,
    validate: ReadAndValidate,
    place: Vec<Step>,
    /// Schemas that have been looked at, since types may contain themselves.
    seen: Vec<*const Value>,
}

impl<'a> Search<'a> {
    fn below(&mut self, schema: &'a Value) -> Option<String> {
        let schema = self.repair.resolve(schema);
        if self.place.len() > MAX_DEPTH || self.seen.iter().any(|seen| std::ptr::eq(*seen, schema)) {
            return None;
        }
        self.seen.push(schema);
        if types(schema).any(|name| name == "string") && self.is_another_unit(schema) {
            let mut names = self.place.iter().rev().filter_map(|step| match step {
                Step::Key(name) => Some(name.to_string()),
                Step::Index(_) => None,
            });
            return Some(names.next().unwrap_or_default());
        }
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let members = properties.map(|(name, schema)| (Step::Key(name.clone().into()), schema));
        let items = (0..).map_while(|index| Some((Step::Index(index), item_once(schema, index)?)));
        members.chain(items).find_map(|(step, schema)| {
            self.place.push(step);
            let found = self.below(schema);
            self.place.pop();
            found
        })
    }

    /// Compares texts on both sides of each bound.
    fn is_another_unit(&self, schema: &Value) -> bool {
        let bound =
            |keyword| schema.get(keyword).and_then(Value::as_u64).filter(|length| *length < MAX_LENGTH);
        let (least, most) = (bound("minLength"), bound("maxLength"));
        let lengths =
            [least.map(|length| length.saturating_sub(1)), least, most, most.map(|length| length + 1)];
        lengths.into_iter().flatten().filter_map(|length| usize::try_from(length).ok()).any(|length| {
            let Some(expected) = self.lengths_refused("a".repeat(length)) else { return false };
            // Characters of four bytes, and characters that are one grapheme.
            let others = ["\u{1f600}".repeat(length), "\u{301}".repeat(length)];
            others.into_iter().filter_map(|text| self.lengths_refused(text)).any(|other| other != expected)
        })
    }

    /// The broken rules of lengths, with this text at the place. `None` if there is no such value.
    fn lengths_refused(&self, text: String) -> Option<Vec<String>> {
        let json = self.repair.with(&self.place, text.into())?.to_string();
        // A rule of the app may panic at a value that it does not expect.
        let validate = self.validate;
        let messages = std::panic::catch_unwind(|| validate(&json)).ok()??;
        Some(messages.into_iter().filter(|message| message.contains("length is ")).collect())
    }
}

/// The schema of this item of a tuple, or of the first one of a list.
fn item_once(schema: &Value, index: usize) -> Option<&Value> {
    let is_first_or_own = index == 0 || schema.pointer(&format!("/prefixItems/{index}")).is_some();
    item(schema, index).filter(|_| is_first_or_own)
}
