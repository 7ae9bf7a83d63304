//! Locations of errors in a body.

use std::borrow::Cow;

use serde_json::Value;

use super::pydantic::PydanticError;
use crate::error::{Step, ValidationError};
use crate::json::{ErrorKind, LocatedError};

/// The first step of each location.
pub(super) const BODY: Step = Step::Key(Cow::Borrowed("body"));

/// The path to what an error is about: a missing or unknown field instead of the object around it.
pub(super) fn path_of(error: &LocatedError) -> Vec<Step> {
    let mut path = error.path.clone();
    match &error.kind {
        ErrorKind::MissingField(field) => path.push(Step::Key((*field).into())),
        ErrorKind::UnknownField(field) => {
            let unknown = Step::Key(field.clone().into());
            if path.last() != Some(&unknown) {
                path.push(unknown);
            }
        }
        _ => {}
    }
    path
}

/// The error as the client reads it.
pub(super) fn describe(error: &LocatedError, body: &Value) -> ValidationError {
    let path = path_of(error);
    // The input of a missing field is the object around it.
    let is_missing = matches!(error.kind, ErrorKind::MissingField(_));
    let input = if is_missing { &error.path } else { &path };
    let input = input.iter().fold(body, lookup).clone();
    let described = PydanticError::of(&error.kind, &input);
    described.at(std::iter::once(BODY).chain(path).collect(), input)
}

/// The value at one step; null if there is none.
pub(super) fn lookup<'a>(value: &'a Value, step: &Step) -> &'a Value {
    let next = match step {
        Step::Key(key) => value.get(key.as_ref()),
        Step::Index(index) => value.get(index),
    };
    next.unwrap_or(&Value::Null)
}
