//! Errors in requests, in FastAPI's format.

pub(crate) mod body;
#[cfg(feature = "garde")]
pub(crate) mod garde;
mod pydantic;
pub(crate) mod rejection;
