//! Errors in requests, in FastAPI's format.

mod all_errors;
pub(crate) mod body;
mod buffered;
#[cfg(feature = "garde")]
pub(crate) mod garde;
pub(crate) mod length_units;
mod location;
mod pydantic;
pub(crate) mod rejection;
mod repair;

pub(crate) use all_errors::{AllErrors, RepairedBodies};
