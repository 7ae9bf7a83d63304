//! What is wrong with a body, in the words and the form that clients of the original know.
//!
//! serde says what it expected as a sentence, so the sentences are read here; they are part of serde's behaviour that
//! its users have long relied on. One that is not known is passed on as it is.

use std::borrow::Cow;

use serde_json::error::Category;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

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

/// The body is not JSON, or more than one value of it.
pub(super) fn malformed(error: serde_json::Error, body: &[u8]) -> Error {
    let told = Told::new("json_invalid", format!("JSON decode error: {}", sentence(&error.to_string())));
    let loc = vec![BODY, Step::Index(offset(&error, body))];
    Error::invalid(error, told.at(loc, json!({})))
}

/// The body is JSON and not what the endpoint takes, or it is no JSON after all.
pub(super) fn mistyped(error: serde_path_to_error::Error<serde_json::Error>, body: &[u8]) -> Error {
    if error.inner().classify() != Category::Data {
        return malformed(error.into_inner(), body);
    }
    let mut loc = vec![BODY];
    loc.extend(error.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone().into())),
        // A variant's name is no key of the body as far as one can tell.
        Segment::Enum { .. } | Segment::Unknown => None,
    }));
    let whole = serde_json::from_slice(body).unwrap_or_default();
    let found = find(&whole, &loc).clone();
    let text = error.inner().to_string();
    let mistake = Mistake::read(sentence(&text));
    let input = match mistake {
        // What is missing cannot be shown; what it is missing from can.
        Mistake::Missing(field) => {
            loc.push(Step::Key(field.to_owned().into()));
            found
        }
        Mistake::Unknown(field) => {
            let unknown = Step::Key(field.to_owned().into());
            if loc.last() != Some(&unknown) {
                loc.push(unknown);
            }
            find(&whole, &loc).clone()
        }
        _ => found,
    };
    let told = mistake.told();
    Error::invalid(error, told.at(loc, input))
}

/// A sentence of serde's, read.
enum Mistake<'a> {
    /// The field that is missing.
    Missing(&'a str),
    /// The field that is not expected.
    Unknown(&'a str),
    /// What is expected instead of a value of another type.
    Type(&'a str),
    /// What is expected instead of an unknown variant.
    Variant(&'a str),
    Other(&'a str),
}

impl<'a> Mistake<'a> {
    fn read(sentence: &'a str) -> Self {
        let quoted = |start| Some(sentence.strip_prefix(start)?.split_once('`')?.0);
        let expected = |start| Some(sentence.strip_prefix(start)?.split_once(", expected ")?.1);
        quoted("missing field `")
            .map(Self::Missing)
            .or_else(|| quoted("unknown field `").map(Self::Unknown))
            .or_else(|| expected("invalid type: ").map(Self::Type))
            .or_else(|| expected("unknown variant ").map(Self::Variant))
            .unwrap_or(Self::Other(sentence))
    }

    fn told(&self) -> Told {
        match self {
            Self::Missing(_) => Told::new("missing", "Field required"),
            Self::Unknown(_) => Told::new("extra_forbidden", "Extra inputs are not permitted"),
            Self::Variant(expected) => Told::new("enum", format!("Input should be {expected}")),
            Self::Other(sentence) => Told::new("value_error", format!("Value error, {sentence}")),
            Self::Type(expected) => match *expected {
                "a string" | "a borrowed string" => {
                    Told::new("string_type", "Input should be a valid string")
                }
                "a boolean" => Told::new("bool_type", "Input should be a valid boolean"),
                "f32" | "f64" => Told::new("float_type", "Input should be a valid number"),
                "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
                | "usize" => Told::new("int_type", "Input should be a valid integer"),
                "a sequence" => Told::new("list_type", "Input should be a valid list"),
                "a map" => Told::new("dict_type", "Input should be a valid dictionary"),
                model if model.starts_with("struct ") => Told::new(
                    "model_attributes_type",
                    "Input should be a valid dictionary or object to extract fields from",
                ),
                other => Told::new("type_error", format!("Input should be {other}")),
            },
        }
    }
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

    fn at(self, loc: Vec<Step>, input: Value) -> Invalid {
        Invalid { kind: self.kind, loc, msg: self.msg, input }
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
        told!("[1]" => "type": "string_type", "loc": ["body", 0], "msg": "Input should be a valid string", "input": 1);
        told!("7" => "type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary or object to extract fields from", "input": 7);
    }

    #[test]
    fn a_value_out_of_range_is_told_in_serdes_words() {
        told!(r#"{"text": "a", "items": [{"size": 300}]}"# => "type": "value_error", "loc": ["body", "items", 0, "size"], "msg": "Value error, invalid value: integer `300`, expected u8", "input": 300);
    }

    #[test]
    fn unknown_fields_and_variants_are_told() {
        told!(r#"{"text": "a", "txt": "b"}"# => "type": "extra_forbidden", "loc": ["body", "txt"], "msg": "Extra inputs are not permitted", "input": "b");
        told!(r#"{"text": "a", "mode": "slow"}"# => "type": "enum", "loc": ["body", "mode"], "msg": "Input should be `fast` or `exact`", "input": "slow");
    }

    #[test]
    fn malformed_json_is_told_with_its_offset() {
        told!("{\n\"text\": }" => "type": "json_invalid", "loc": ["body", 10], "msg": "JSON decode error: expected value", "input": {});
        told!(r#"{"text": "a""# => "type": "json_invalid", "loc": ["body", 11], "msg": "JSON decode error: EOF while parsing an object", "input": {});
        told!(r#"{"text": "a"} x"# => "type": "json_invalid", "loc": ["body", 14], "msg": "JSON decode error: trailing characters", "input": {});
    }
}
