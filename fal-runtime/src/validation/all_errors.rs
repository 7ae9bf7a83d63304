//! All errors of an invalid body. serde stops at the first one.
//!
//! The body is repaired where reading stopped and read again, until it is valid. The schema of its type says what a valid value
//! is. So serde reports every one of the errors, and valid requests do without.

use std::sync::OnceLock;

use serde_json::Value;

use super::body::parse;
use super::location::{describe, path_of};
use super::repair::Repair;
use crate::error::{Error, Step, ValidationError};
use crate::json::{ErrorKind, KEEPS_DIGITS, LocatedError, SchemaOf};

/// The largest number of errors in a response.
const MAX_ERRORS: usize = 100;

/// The largest number of bytes that are read again for one request. To repair and to read again costs several times as much as
/// to read, and anyone can send an invalid body. Together, the errors repeat no more of the body than this.
const MAX_REREAD: usize = 32 << 10;

/// The errors of a body, and the body with repairs.
#[derive(Debug)]
pub(crate) struct AllErrors {
    errors: Vec<ValidationError>,
    /// What the log says.
    source: ErrorKind,
    body: Value,
    repaired: Value,
    repair: Repair,
    /// What was replaced or removed. None of them is in another one.
    places: Vec<Vec<Step>>,
    /// How often the body may be read again.
    left: usize,
}

impl AllErrors {
    /// The first error of a body of this schema. `Err` if there is nothing to read again.
    pub(crate) fn new(first: &LocatedError, text: &[u8], schema: SchemaOf) -> Result<Box<Self>, Error> {
        let body = parse(text)?;
        let only = |error: &LocatedError| Error::validation(error.kind.clone(), vec![describe(error, &body)]);
        let left = (MAX_REREAD / text.len().max(1)).min(MAX_ERRORS);
        if left == 0 {
            return Err(only(first));
        }
        let repair = Repair::new(schema);
        let first = &repair.relocate(first, &body);
        if left == 1 || !is_exact(&body) {
            return Err(only(first));
        }
        let (repaired, source) = (body.clone(), first.kind.clone());
        let all = Self { errors: Vec::new(), source, body, repaired, repair, places: Vec::new(), left };
        Box::new(all).add(first)
    }

    /// Adds the next error, and repairs it.
    pub(crate) fn and(self: Box<Self>, error: &LocatedError) -> Result<Box<Self>, Error> {
        let error = self.repair.relocate(error, &self.repaired);
        self.add(&error)
    }

    fn add(mut self: Box<Self>, error: &LocatedError) -> Result<Box<Self>, Error> {
        let mut place = path_of(error);
        let mut is_unknown = matches!(error.kind, ErrorKind::UnknownField(_));
        let is_related = |known: &&Vec<Step>| known.starts_with(&place) || place.starts_with(known);
        if let Some(known) = self.places.iter().find(is_related) {
            // The repair is invalid, not what the client sent. So what is around it is repaired next.
            place.truncate(known.len());
            if place.pop().is_none() {
                return Err(self.into_error());
            }
            is_unknown = false;
        } else {
            self.errors.push(describe(error, &self.body));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return Err(self.into_error());
        }
        self.repair.apply(&mut self.repaired, &mut place, is_unknown);
        self.places.retain(|known| !known.starts_with(&place));
        self.places.push(place);
        Ok(self)
    }

    /// The text of the repaired body.
    pub(crate) fn repaired(&self) -> String {
        self.repaired.to_string()
    }

    pub(crate) fn into_error(self: Box<Self>) -> Error {
        Error::validation(self.source, self.errors)
    }
}

/// Keeps the texts of repaired bodies, for as long as the call may borrow from them.
#[derive(Debug, Default)]
pub(crate) struct RepairedBodies(OnceLock<Box<(String, RepairedBodies)>>);

impl RepairedBodies {
    pub(crate) fn keep(&self, text: String) -> &[u8] {
        match self.0.get() {
            Some(kept) => kept.1.keep(text),
            None => self.0.get_or_init(|| Box::new((text, Self::default()))).0.as_bytes(),
        }
    }
}

/// Whether a body that is written again is the same. A `Value` rounds integers of more than 64 bits, if it does not keep its digits.
fn is_exact(value: &Value) -> bool {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Number(number) => {
            KEEPS_DIGITS
                || number.is_i64()
                || number.is_u64()
                || number.as_f64().is_some_and(|float| float.abs() < LIMIT)
        }
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}
