//! The rules of a type: what it demands of its values beyond their shape.

use http::request::Parts;

use super::call::CallContext;
use crate::error::Error;

/// What a type demands of its values beyond being of it.
pub trait Rules<T> {
    /// What is wrong with a body that a value has been read from.
    fn broken(_: &T, call: &mut CallContext<'_>) -> Option<Error> {
        call.end()
    }

    /// What is wrong with the part of a request's head that a value has been taken from.
    fn broken_in_head(_: &T, _: &mut Parts) -> Option<Error> {
        None
    }
}

/// A type demands nothing.
#[derive(Debug)]
pub(super) enum NoRules {}

impl<T> Rules<T> for NoRules {}
