//! JSON objects, made by functions that are compiled once.

use serde_json::{Map, Value};

/// An object of these members, in this order. `json!` would write out its making wherever it is used.
#[inline(never)]
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, value) in members {
        add(&mut object, key, value);
    }
    object
}

#[inline(never)]
pub(crate) fn add(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(key.to_owned(), value);
}

/// Adds those texts that say something.
pub(crate) fn add_texts(object: &mut Map<String, Value>, texts: &[(&str, &str)]) {
    for (key, text) in texts {
        if !text.is_empty() {
            add(object, key, (*text).into());
        }
    }
}

/// A part of the document that is always the same.
pub(crate) fn parse_static(text: &str) -> Value {
    // Every one is read in a test.
    serde_json::from_str(text).unwrap_or_default()
}
