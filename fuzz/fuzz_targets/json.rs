//! The JSON reader of fal-runtime against `serde_json`. They differ only in what `docs/declaring.md` lists.

#![no_main]

use std::collections::BTreeMap;
use std::fmt::Debug;

use fal_runtime::__private::read_json;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Record {
    a: i64,
    #[serde(default)]
    b: Option<f64>,
    #[serde(default)]
    c: Vec<Kind>,
    #[serde(default)]
    d: (u8, String),
}

#[derive(Debug, Deserialize, PartialEq)]
enum Kind {
    A,
    B(u128),
    C { x: i8 },
    D(bool, char),
}

fuzz_target!(|input: &[u8]| {
    let own = read_json::<Value>(input);
    let other = serde_json::from_slice::<Value>(input);
    assert_eq!(own.as_ref().ok().map(floats), other.as_ref().ok().map(floats));
    assert_eq!(read_json::<IgnoredAny>(input).is_ok(), other.is_ok());
    agree::<Vec<u64>>(input);
    agree::<BTreeMap<String, f64>>(input);
    agree::<BTreeMap<i16, Option<String>>>(input);
    agree::<Vec<Kind>>(input);
    agree::<Record>(input);
});

/// Both read the same, unless the JSON has a whole float for an integer, or a list for a struct.
fn agree<T: DeserializeOwned + Debug + PartialEq>(input: &[u8]) {
    let has = |bytes: &[u8]| input.iter().any(|byte| bytes.contains(byte));
    match (read_json::<T>(input), serde_json::from_slice::<T>(input)) {
        (Ok(own), Ok(other)) => assert_eq!(own, other),
        (Ok(own), Err(error)) => {
            assert!(has(b".eE") || input.windows(2).any(|pair| pair == b"-0"), "serde_json refuses {own:?}: {error}");
        }
        (Err(error), Ok(other)) => assert!(has(b"["), "fal-runtime refuses {other:?}: {error}"),
        (Err(_), Err(_)) => {}
    }
}

/// The same value with every number as a float.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), floats(value))).collect(),
        other => other.clone(),
    }
}
