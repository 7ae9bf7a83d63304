//! Converts rejections of extractors to errors.

use std::any::Any;
use std::error::Error as StdError;

use axum::extract::path::ErrorKind as PathErrorKind;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::response::Response;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::pydantic::PydanticError;
use crate::error::{Error, Step};
use crate::extract;
use crate::extract::{ParameterError, ParameterRejection};
use crate::foreign_messages;
use crate::json::ErrorKind;

/// The error of a rejection.
pub(crate) async fn into_error(rejected: Result<Error, Response>) -> Error {
    match rejected {
        Ok(error) => error,
        Err(response) => from_response(response).await,
    }
}

/// The validation error of a known rejection, for the endpoint at `path`.
pub(crate) fn validation_error(rejection: &dyn Any, path: &'static str, head: &mut Parts) -> Option<Error> {
    if let Some(rejection) = rejection.downcast_ref() {
        return path_error(rejection, path, head);
    }
    if let Some(rejection) = rejection.downcast_ref() {
        return query_error(rejection, head);
    }
    let ParameterRejection(wrong) = rejection.downcast_ref()?;
    let ParameterError { part, kind, name, index, input } = &**wrong;
    let source = InvalidParameters { part, text: kind.to_string() };
    if *part == "path" && is_path_mismatch(kind, name) {
        return Some(Error::of(source));
    }
    let is_whole_path = *part == "path" && name.is_empty();
    let input = if is_whole_path { object_of(extract::parameters(head)) } else { input.clone() };
    let told = PydanticError::of(kind, &input);
    let mut loc = vec![Step::Key((*part).into())];
    if !name.is_empty() {
        loc.push(Step::Key(name.clone()));
    }
    loc.extend(index.map(Step::Index));
    Some(Error::validation(source, vec![told.at(loc, input)]))
}

/// Whether the type does not fit the path, which is the app's fault, in contrast to a value.
fn is_path_mismatch(kind: &ErrorKind, name: &str) -> bool {
    match kind {
        ErrorKind::MissingField(_) | ErrorKind::UnknownField(_) => true,
        ErrorKind::WrongType(_) => name.is_empty(),
        _ => false,
    }
}

fn object_of(parameters: Vec<(String, String)>) -> Value {
    parameters.into_iter().map(|(name, text)| (name, json!(text))).collect()
}

/// Headers that describe the body of the rejection.
const BODY_HEADERS: [HeaderName; 6] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE, TRANSFER_ENCODING, CONNECTION];

/// The error of an unknown rejection, from its response. It keeps the status, the headers, and the text or
/// `detail`. The text of a 500 goes to the log only.
async fn from_response(response: Response) -> Error {
    const MAX_TEXT: usize = 4096;
    let status = response.status();
    let status = if status.is_success() { StatusCode::BAD_REQUEST } else { status };
    let (mut head, body) = response.into_parts();
    for name in BODY_HEADERS {
        head.headers.remove(name);
    }
    let text = axum::body::to_bytes(body, MAX_TEXT).await.unwrap_or_default();
    let text = detail(&text).unwrap_or_else(|| String::from_utf8_lossy(&text).trim().to_owned());
    let error = match text.as_str() {
        "" => Error::msg("an extractor rejected the request").status(status),
        _ if status == StatusCode::INTERNAL_SERVER_ERROR => Error::msg(text),
        _ => Error::new(status, text),
    };
    error.with_headers(head.headers)
}

/// The `detail` of an error body.
fn detail(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct PydanticError {
        detail: String,
    }
    serde_json::from_slice(body).ok().map(|PydanticError { detail }| detail)
}

#[derive(Debug, thiserror::Error)]
#[error("invalid path parameters: {0}")]
struct InvalidPath(String);

fn path_error(rejection: &PathRejection, path: &'static str, head: &mut Parts) -> Option<Error> {
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else { return None };
    let mut names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let read = |expected: &str, value: &String| match expected {
        "char" => PydanticError::value_error("not a valid char"),
        _ => PydanticError::wrong_type(expected, &json!(value)),
    };
    let (name, told, input) = match failed.kind() {
        PathErrorKind::ParseErrorAtKey { key, value, expected_type } => {
            (key.as_str(), read(expected_type, value), json!(value))
        }
        PathErrorKind::ParseErrorAtIndex { index, value, expected_type } => {
            (names.nth(*index)?, read(expected_type, value), json!(value))
        }
        PathErrorKind::ParseError { value, expected_type } => {
            (names.next()?, read(expected_type, value), json!(value))
        }
        PathErrorKind::DeserializeError { key, value, message } => {
            (key.as_str(), PydanticError::custom(message, &json!(value)), json!(value))
        }
        PathErrorKind::InvalidUtf8InPathParam { key } => {
            (key.as_str(), PydanticError::not_unicode(), Value::Null)
        }
        PathErrorKind::Message(why) if !foreign_messages::is_path_mismatch(why) => {
            return Some(custom_error(extract::parameters(head), why, failed.body_text()));
        }
        // The type does not fit the path, which is the app's fault.
        _ => return Some(Error::of(InvalidPath(failed.body_text()))),
    };
    let loc = vec![Step::Key("path".into()), Step::Key(name.to_owned().into())];
    Some(Error::validation(InvalidPath(failed.body_text()), vec![told.at(loc, input)]))
}

/// A type has rejected a value. axum does not say which of several parameters it was.
fn custom_error(mut parameters: Vec<(String, String)>, why: &str, source: String) -> Error {
    let part = Step::Key("path".into());
    let only = if parameters.len() == 1 { parameters.pop() } else { None };
    let (loc, input) = match only {
        Some((name, text)) => (vec![part, Step::Key(name.into())], json!(text)),
        None => (vec![part], object_of(parameters)),
    };
    let told = PydanticError::sentence(why, &input);
    Error::validation(InvalidPath(source), vec![told.at(loc, input)])
}

/// The error inside of axum's query rejection.
type QueryError = serde_path_to_error::Error<serde::de::value::Error>;

#[derive(Debug, thiserror::Error)]
#[error("invalid {part} parameters: {text}")]
struct InvalidParameters {
    part: &'static str,
    text: String,
}

fn query_error(rejection: &QueryRejection, head: &Parts) -> Option<Error> {
    let mut source = Some(rejection as &dyn StdError);
    let error = loop {
        let error = source?;
        if let Some(error) = error.downcast_ref::<QueryError>() {
            break error;
        }
        source = error.source();
    };
    let (path, sentence) = (error.path().to_string(), error.inner().to_string());
    let pairs = extract::pairs(&head.uri);
    let text =
        |name: &str| pairs.iter().find(|(key, _)| key == name).map_or(Value::Null, |(_, text)| json!(text));
    let message = sentence.as_str();
    let (name, told) = if let Some(name) = foreign_messages::missing_field(message) {
        (name, PydanticError::missing())
    } else if let Some(name) = foreign_messages::unknown_field(message) {
        (name, PydanticError::new("extra_forbidden", "Extra inputs are not permitted"))
    } else if let Some(name) = foreign_messages::duplicate_field(message) {
        (name, PydanticError::value_error("it is given more than once"))
    } else if let Some(expected) = foreign_messages::expectation(message) {
        let told = match foreign_messages::variants(expected).as_slice() {
            [] => PydanticError::wrong_type(expected, &text(&path)),
            variants => PydanticError::variant(variants),
        };
        (path.as_str(), told)
    } else {
        (path.as_str(), PydanticError::custom(message, &text(&path)))
    };
    let input = text(name);
    let loc = vec![Step::Key("query".into()), Step::Key(name.to_owned().into())];
    Some(Error::validation(
        InvalidParameters { part: "query", text: error.to_string() },
        vec![told.at(loc, input)],
    ))
}
