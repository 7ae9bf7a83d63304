//! What is wrong with a request, in the form that clients of the original read.

pub(crate) mod body;
#[cfg(feature = "garde")]
pub(crate) mod garde;
mod pydantic;
pub(crate) mod rejection;
