//! Builds JSON objects with little code.

use serde_json::{Map, Value};

/// Builds an object of these members, in this order. `json!` would inline the code at each use.
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

/// Adds the texts that are not empty.
pub(crate) fn add_texts(object: &mut Map<String, Value>, texts: &[(&str, &str)]) {
    for (key, text) in texts {
        if !text.is_empty() {
            add(object, key, (*text).into());
        }
    }
}

/// Parses a static part of the OpenAPI document.
pub(crate) fn parse_static(text: &str) -> Value {
    // Every such text is parsed in a test.
    serde_json::from_str(text).unwrap_or_default()
}
