//! Errors of garde's validation, with their locations.

use garde::{Report, Validate};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::location::lookup;
use super::pydantic::PydanticError;
use crate::error::{Error, Step};
use crate::extract;
use crate::json::Reader;

/// Reads a value from JSON, and lists the rules that it breaks. `None` if it cannot be read.
pub(crate) fn read_and_validate<T: Validate + DeserializeOwned>(json: &str) -> Option<Vec<String>>
where
    T::Context: Default,
{
    let value = T::deserialize(&mut Reader::new(json.as_bytes())).ok()?;
    Some(value.validate().err().map_or_else(Vec::new, |report| messages(&report)))
}

fn messages(report: &Report) -> Vec<String> {
    report.iter().map(|(path, error)| format!("{path}: {error}")).collect()
}

/// The error of an invalid body.
#[cold]
pub(crate) fn body(report: &Report, body: &[u8]) -> Error {
    rules_broken(report, "body", &serde_json::from_slice(body).unwrap_or_default())
}

/// The error of invalid path parameters.
#[cold]
pub(crate) fn path(report: &Report, head: &mut Parts) -> Error {
    rules_broken(report, "path", &sent_path(head))
}

/// The error of invalid query parameters.
#[cold]
pub(crate) fn query(report: &Report, head: &Parts) -> Error {
    rules_broken(report, "query", &sent_query(head))
}

/// The error of invalid headers.
#[cold]
pub(crate) fn headers(report: &Report, head: &Parts) -> Error {
    rules_broken(report, "header", &sent_headers(head))
}

/// The error of invalid cookies.
#[cold]
pub(crate) fn cookies(report: &Report, head: &Parts) -> Error {
    rules_broken(report, "cookie", &sent_cookies(head))
}

fn sent_path(head: &mut Parts) -> Value {
    extract::parameters(head).into_iter().map(|(name, text)| (name, Value::from(text))).collect()
}

fn sent_query(head: &Parts) -> Value {
    let pairs = extract::pairs(&head.uri);
    let value = |texts: Vec<&[u8]>| match *texts {
        [only] => text(only),
        _ => texts.into_iter().map(text).collect(),
    };
    extract::group_by_name(&pairs).into_iter().map(|(name, texts)| (name, value(texts))).collect()
}

fn sent_headers(head: &Parts) -> Value {
    // Of several headers of one name the first is taken.
    let names = head.headers.keys();
    names.filter_map(|name| Some((name.as_str(), text(head.headers.get(name)?.as_bytes())))).collect()
}

fn sent_cookies(head: &Parts) -> Value {
    let mut cookies = Map::new();
    for (name, value) in extract::cookies(&head.headers) {
        cookies.entry(String::from_utf8_lossy(name)).or_insert_with(|| text(value));
    }
    cookies.into()
}

fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}

#[derive(Debug, thiserror::Error)]
#[error("{part}: {count} values are invalid; the first: {first}")]
struct RulesBroken {
    part: &'static str,
    count: usize,
    first: String,
}

/// Builds the error of one part of a request from garde's report.
#[cold]
fn rules_broken(report: &Report, part: &'static str, whole: &Value) -> Error {
    let tell = |(path, error): &(garde::Path, garde::Error)| {
        let (loc, input) = sent(whole, part, parse_path(&path.to_string()));
        PydanticError::value_error(error.message()).at(loc, input)
    };
    let list: Vec<_> = report.iter().map(tell).collect();
    let first = report.iter().next().map(|(_, error)| error.message().to_owned()).unwrap_or_default();
    Error::validation(RulesBroken { part, count: list.len(), first }, list)
}

/// The location and input of an invalid value, as the client has sent it. garde knows a field by its Rust name; if
/// the request has no such key, the key that differs in case or separators is taken.
fn sent(whole: &Value, part: &'static str, mut steps: Vec<Step>) -> (Vec<Step>, Value) {
    let mut loc = vec![Step::Key(part.into())];
    if steps.is_empty() {
        match part {
            // Never echo all headers or cookies: they include credentials.
            "header" | "cookie" => return (loc, Value::Null),
            // A single value for the only parameter.
            "path" if whole.as_object().is_some_and(|parameters| parameters.len() == 1) => {
                steps.push(Step::Index(0));
            }
            _ => {}
        }
    }
    let mut value = whole;
    for mut step in steps {
        match (&step, value) {
            (Step::Key(field), Value::Object(object)) if !object.contains_key(field.as_ref()) => {
                if let Some(key) = object.keys().find(|key| fold_case(key) == fold_case(field)) {
                    step = Step::Key(key.clone().into());
                } else if part == "header" {
                    step = Step::Key(field.replace('_', "-").into());
                }
            }
            // A tuple takes path parameters by position; a map can have numeric keys.
            (Step::Index(index), Value::Object(object)) => {
                let number = index.to_string();
                let key =
                    if object.contains_key(&number) { Some(&number) } else { object.keys().nth(*index) };
                let Some(key) = key else { break };
                step = Step::Key(key.clone().into());
            }
            (_, Value::Object(_) | Value::Array(_) | Value::Null) => {}
            // The type has parts that the request does not show.
            _ => break,
        }
        value = lookup(value, &step);
        loc.push(step);
    }
    (loc, value.clone())
}

/// Removes what `rename_all` changes in a name.
fn fold_case(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

/// Splits `items[0].name` into steps.
fn parse_path(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let index = part.strip_suffix(']').and_then(|index| index.parse().ok());
        steps.push(index.map_or_else(|| Step::Key(part.to_owned().into()), Step::Index));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_keys_and_indices() {
        let key = |name: &'static str| Step::Key(name.into());
        assert_eq!(parse_path("items[0].name"), [key("items"), Step::Index(0), key("name")]);
        assert_eq!(parse_path("grid[1][2]"), [key("grid"), Step::Index(1), Step::Index(2)]);
        assert_eq!(parse_path("[3]"), [Step::Index(3)]);
        assert_eq!(parse_path(""), []);
    }
}
