//! What is wrong with a body, in the words and the form that clients of the original know.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::json::{Located, Mistake};
use crate::Error;
use crate::error::{Invalid, Step};

const BODY: Step = Step::Key(Cow::Borrowed("body"));

#[derive(Debug, thiserror::Error)]
#[error("no body")]
struct Absent;

/// There is no body.
pub(super) fn absent() -> Error {
    let told = Told::new("missing", "Field required");
    Error::invalid(Absent, told.at(vec![BODY], Value::Null))
}

/// The body is not what the endpoint takes, or no JSON: that is said first, wherever reading stopped.
#[cold]
pub(super) fn mistaken(located: Located, body: &[u8]) -> Error {
    let whole: Value = match serde_json::from_slice(body) {
        Ok(whole) => whole,
        Err(error) => return malformed(error, body),
    };
    let Located { mistake, path } = located;
    let mut loc = vec![BODY];
    loc.extend(path);
    // What is missing cannot be shown; what it is missing from can.
    let input = find(&whole, &loc).clone();
    match &mistake {
        Mistake::Missing(field) => loc.push(Step::Key((*field).into())),
        Mistake::Unknown(field) => {
            let unknown = Step::Key(field.clone().into());
            if loc.last() != Some(&unknown) {
                loc.push(unknown);
            }
        }
        _ => {}
    }
    let told = Told::of(&mistake);
    Error::invalid(mistake, told.at(loc, input))
}

/// The body is not JSON, or more than one value of it.
fn malformed(error: serde_json::Error, body: &[u8]) -> Error {
    let told = Told::new("json_invalid", format!("JSON decode error: {}", sentence(&error.to_string())));
    let loc = vec![BODY, Step::Index(offset(&error, body))];
    Error::invalid(error, told.at(loc, json!({})))
}

/// A mistake as it is told, before it is known where it is.
struct Told {
    kind: &'static str,
    msg: Cow<'static, str>,
}

impl Told {
    fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, msg: msg.into() }
    }

    fn of(mistake: &Mistake) -> Self {
        match mistake {
            Mistake::Syntax => Self::new("json_invalid", "JSON decode error"),
            Mistake::Missing(_) => Self::new("missing", "Field required"),
            Mistake::Unknown(_) => Self::new("extra_forbidden", "Extra inputs are not permitted"),
            Mistake::Variant(expected) => Self::new("enum", format!("Input should be {}", one_of(expected))),
            Mistake::Refused(why) => Self::new("value_error", format!("Value error, {why}")),
            Mistake::Type(expected) => match expected.as_str() {
                "a string" | "a borrowed string" => {
                    Self::new("string_type", "Input should be a valid string")
                }
                "a boolean" => Self::new("bool_type", "Input should be a valid boolean"),
                "f32" | "f64" => Self::new("float_type", "Input should be a valid number"),
                "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
                | "usize" => Self::new("int_type", "Input should be a valid integer"),
                "a sequence" => Self::new("list_type", "Input should be a valid list"),
                "a map" => Self::new("dict_type", "Input should be a valid dictionary"),
                model if model.starts_with("struct ") => Self::new(
                    "model_attributes_type",
                    "Input should be a valid dictionary or object to extract fields from",
                ),
                other => Self::new("type_error", format!("Input should be {other}")),
            },
        }
    }

    fn at(self, loc: Vec<Step>, input: Value) -> Invalid {
        Invalid { kind: self.kind, loc, msg: self.msg, input }
    }
}

/// Variants as a sentence lists them.
fn one_of(variants: &[&str]) -> String {
    match variants {
        [] => "nothing".to_owned(),
        [only] => format!("'{only}'"),
        [first @ .., last] => format!("'{}' or '{last}'", first.join("', '")),
    }
}

/// What stands there; null where nothing does.
fn find<'a>(whole: &'a Value, loc: &[Step]) -> &'a Value {
    loc.iter().skip(1).fold(whole, |value, step| {
        let next = match step {
            Step::Key(key) => value.get(key.as_ref()),
            Step::Index(index) => value.get(index),
        };
        next.unwrap_or(&Value::Null)
    })
}

/// What serde says, less the position that it adds: the location tells it.
fn sentence(text: &str) -> &str {
    text.rsplit_once(" at line ").map_or(text, |(sentence, _)| sentence)
}

/// Where in the body reading stopped, in bytes.
fn offset(error: &serde_json::Error, body: &[u8]) -> usize {
    let before = body.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::json::parse;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Input {
        text: String,
        #[serde(default)]
        items: Vec<Item>,
        #[serde(default)]
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Item {
        size: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Exact,
    }

    fn detail(body: &str) -> serde_json::Value {
        let response = parse::<Input>(body.as_bytes()).unwrap_err().response();
        assert_eq!(response.status(), 422);
        let body =
            futures_util::future::FutureExt::now_or_never(axum::body::to_bytes(response.into_body(), 9999));
        let body: serde_json::Value = serde_json::from_slice(&body.unwrap().unwrap()).unwrap();
        body["detail"][0].clone()
    }

    macro_rules! told {
        ($body:literal => $($told:tt)+) => {
            assert_eq!(detail($body), serde_json::json!({ $($told)+ }));
        };
    }

    #[test]
    fn a_missing_field_is_told_with_what_it_is_missing_from() {
        told!(r#"{"items": []}"# => "type": "missing", "loc": ["body", "text"], "msg": "Field required", "input": {"items": []});
        told!(r#"{"text": "a", "items": [{"size": 1}, {}]}"# => "type": "missing", "loc": ["body", "items", 1, "size"], "msg": "Field required", "input": {});
    }

    #[test]
    fn a_wrong_type_is_told_at_the_field_with_what_stands_there() {
        told!(r#"{"text": 5}"# => "type": "string_type", "loc": ["body", "text"], "msg": "Input should be a valid string", "input": 5);
        told!(r#"{"text": "a", "items": [{"size": "b"}]}"# => "type": "int_type", "loc": ["body", "items", 0, "size"], "msg": "Input should be a valid integer", "input": "b");
        told!(r#"{"text": "a", "items": 1}"# => "type": "list_type", "loc": ["body", "items"], "msg": "Input should be a valid list", "input": 1);
        told!("[1]" => "type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary or object to extract fields from", "input": [1]);
        told!("7" => "type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary or object to extract fields from", "input": 7);
    }

    #[test]
    fn a_value_out_of_range_is_told_in_serdes_words() {
        told!(r#"{"text": "a", "items": [{"size": 300}]}"# => "type": "value_error", "loc": ["body", "items", 0, "size"], "msg": "Value error, invalid value: integer `300`, expected u8", "input": 300);
    }

    #[test]
    fn unknown_fields_and_variants_are_told() {
        told!(r#"{"text": "a", "txt": "b"}"# => "type": "extra_forbidden", "loc": ["body", "txt"], "msg": "Extra inputs are not permitted", "input": "b");
        told!(r#"{"text": "a", "mode": "slow"}"# => "type": "enum", "loc": ["body", "mode"], "msg": "Input should be 'fast' or 'exact'", "input": "slow");
    }

    #[test]
    fn malformed_json_is_told_with_its_offset() {
        told!("{\n\"text\": }" => "type": "json_invalid", "loc": ["body", 10], "msg": "JSON decode error: expected value", "input": {});
        told!(r#"{"text": "a""# => "type": "json_invalid", "loc": ["body", 11], "msg": "JSON decode error: EOF while parsing an object", "input": {});
        told!(r#"{"text": "a"} x"# => "type": "json_invalid", "loc": ["body", 14], "msg": "JSON decode error: trailing characters", "input": {});
    }
}
