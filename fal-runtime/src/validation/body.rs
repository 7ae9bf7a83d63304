//! Errors in a request body, with their locations.

use std::fmt;

use http::StatusCode;
use serde_json::Value;

use super::location::{BODY, describe};
use super::pydantic::PydanticError;
use crate::error::{Error, Step};
use crate::foreign_messages::without_position;
use crate::json::{LocatedError, object};

#[derive(Debug, thiserror::Error)]
#[error("no body")]
struct MissingBody;

/// The error of a missing body.
pub(crate) fn missing_body() -> Error {
    let told = PydanticError::new("missing", "Field required");
    Error::validation(MissingBody, vec![told.at(vec![BODY], Value::Null)])
}

/// The error of a body above its limit, in bytes.
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

/// The error of a body that ends early.
pub(crate) fn unreadable(error: impl fmt::Display) -> Error {
    Error::new(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))
}

/// The error of an invalid body. If the body is malformed JSON, that is reported instead, wherever reading stopped.
#[cold]
pub(crate) fn deserialize_error(located: &LocatedError, body: &[u8]) -> Error {
    match parse(body) {
        Ok(whole) => Error::validation(located.kind.clone(), vec![describe(located, &whole)]),
        Err(error) => error,
    }
}

/// The body as a value.
pub(super) fn parse(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|error| invalid_json(error, body))
}

/// The error of malformed JSON, or of more than one value.
fn invalid_json(error: serde_json::Error, body: &[u8]) -> Error {
    let told = PydanticError::new("json_invalid", "JSON decode error");
    let mut invalid = told.at(vec![BODY, Step::Index(offset(&error, body))], object([]).into());
    invalid.ctx = Some(object([("error", without_position(&error.to_string()).into())]).into());
    Error::validation(error, vec![invalid])
}

/// The offset in characters at which reading stopped, as FastAPI counts.
fn offset(error: &serde_json::Error, body: &[u8]) -> usize {
    let before = body.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    let before = before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1);
    let before = if error.is_eof() { body } else { body.get(..before).unwrap_or(body) };
    String::from_utf8_lossy(before).chars().count()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use http::HeaderMap;
    use serde::Deserialize;

    use crate::endpoint::RequestId;
    use crate::json::Reader;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Input {
        text: String,
        #[serde(default)]
        items: Vec<Item>,
        #[serde(default)]
        mode: Option<Mode>,
        #[serde(default)]
        count: Option<NonZeroU8>,
        #[serde(default)]
        total: i64,
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
        detail_of::<Input>(body)
    }

    fn detail_of<T: for<'de> Deserialize<'de>>(body: &str) -> serde_json::Value {
        let mut reader = Reader::new(body.as_bytes());
        let fault = T::deserialize(&mut reader).map_or_else(Some, |_| reader.end()).unwrap();
        let error = super::deserialize_error(&reader.locate(fault), body.as_bytes());
        let response = error.response(&RequestId::of(&HeaderMap::new()));
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
        told!(r#"{"text": "a", "items": [{"size": "b"}]}"# => "type": "int_parsing", "loc": ["body", "items", 0, "size"], "msg": "Input should be a valid integer, unable to parse string as an integer", "input": "b");
        told!(r#"{"text": "a", "items": [{"size": []}]}"# => "type": "int_type", "loc": ["body", "items", 0, "size"], "msg": "Input should be a valid integer", "input": []);
        told!(r#"{"text": "a", "items": [{"size": 1.5}]}"# => "type": "int_from_float", "loc": ["body", "items", 0, "size"], "msg": "Input should be a valid integer, got a number with a fractional part", "input": 1.5);
        told!(r#"{"text": "a", "items": 1}"# => "type": "list_type", "loc": ["body", "items"], "msg": "Input should be a valid list", "input": 1);
        told!("[1]" => "type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary or object to extract fields from", "input": [1]);
        told!("7" => "type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary or object to extract fields from", "input": 7);
    }

    #[test]
    fn an_integer_out_of_range_is_told_with_the_end_of_its_type() {
        told!(r#"{"text": "a", "items": [{"size": 300}]}"# => "type": "less_than_equal", "loc": ["body", "items", 0, "size"], "msg": "Input should be less than or equal to 255", "input": 300, "ctx": {"le": 255});
        told!(r#"{"text": "a", "items": [{"size": -1}]}"# => "type": "greater_than_equal", "loc": ["body", "items", 0, "size"], "msg": "Input should be greater than or equal to 0", "input": -1, "ctx": {"ge": 0});
        told!(r#"{"text": "a", "items": [{"size": 99999999999999999999}]}"# => "type": "less_than_equal", "loc": ["body", "items", 0, "size"], "msg": "Input should be less than or equal to 255", "input": 1e20, "ctx": {"le": 255});
        told!(r#"{"text": "a", "count": 0}"# => "type": "greater_than_equal", "loc": ["body", "count"], "msg": "Input should be greater than or equal to 1", "input": 0, "ctx": {"ge": 1});
        told!(r#"{"text": "a", "total": 1e19}"# => "type": "less_than_equal", "loc": ["body", "total"], "msg": "Input should be less than or equal to 9223372036854775807", "input": 1e19, "ctx": {"le": i64::MAX});
        told!(r#"{"text": "a", "total": -9223372036854775809}"# => "type": "greater_than_equal", "loc": ["body", "total"], "msg": "Input should be greater than or equal to -9223372036854775808", "input": -9_223_372_036_854_775_809.0, "ctx": {"ge": i64::MIN});
        told!(r#"{"text": "a", "items": [{"size": 1e17}]}"# => "type": "less_than_equal", "loc": ["body", "items", 0, "size"], "msg": "Input should be less than or equal to 255", "input": 1e17, "ctx": {"le": 255});
    }

    #[test]
    fn an_unknown_field_is_told_beside_a_flattened_one_too() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only parsed")]
        struct Outer {
            name: String,
            #[serde(flatten)]
            item: Item,
        }
        for (body, loc) in [
            (r#"{"name": "a", "size": 1, "nam": 2}"#, serde_json::json!(["body", "nam"])),
            (r#"{"name": "a", "nam": {"b": [1]}, "size": 1}"#, serde_json::json!(["body", "nam"])),
        ] {
            let detail = detail_of::<Outer>(body);
            assert_eq!((&detail["type"], &detail["loc"]), (&"extra_forbidden".into(), &loc), "{detail}");
        }
        let nested = detail_of::<Vec<Outer>>(r#"[{"name": "a", "nam": {"b": [1]}, "size": 1}]"#);
        assert_eq!(
            (&nested["type"], &nested["loc"]),
            (&"extra_forbidden".into(), &serde_json::json!(["body", 0, "nam"])),
            "{nested}"
        );
        assert_eq!(nested["input"], serde_json::json!({"b": [1]}));
    }

    #[test]
    fn unknown_fields_and_variants_are_reported() {
        told!(r#"{"text": "a", "txt": "b"}"# => "type": "extra_forbidden", "loc": ["body", "txt"], "msg": "Extra inputs are not permitted", "input": "b");
        told!(r#"{"text": "a", "mode": "slow"}"# => "type": "enum", "loc": ["body", "mode"], "msg": "Input should be 'fast' or 'exact'", "input": "slow", "ctx": {"expected": "'fast' or 'exact'"});
        told!(r#"{"text": "a", "mode": 5}"# => "type": "enum", "loc": ["body", "mode"], "msg": "Input should be the name of a variant, or an object whose one key is such a name", "input": 5);
    }

    #[test]
    fn malformed_json_is_told_with_its_offset_in_characters() {
        told!(r#"{"größe": }"# => "type": "json_invalid", "loc": ["body", 10], "msg": "JSON decode error", "input": {}, "ctx": {"error": "expected value"});
        told!("{\n\"text\": }" => "type": "json_invalid", "loc": ["body", 10], "msg": "JSON decode error", "input": {}, "ctx": {"error": "expected value"});
        told!(r#"{"text": "a""# => "type": "json_invalid", "loc": ["body", 12], "msg": "JSON decode error", "input": {}, "ctx": {"error": "EOF while parsing an object"});
        told!(r#"{"text": "a"} x"# => "type": "json_invalid", "loc": ["body", 14], "msg": "JSON decode error", "input": {}, "ctx": {"error": "trailing characters"});
    }
}
