//! The error of endpoints, and the response body of every failure.

mod api;
mod body;
mod context;
mod convert;
mod field_error;
mod handler_error;
pub(crate) mod header;
mod host_error;
mod validation_error;

pub use api::{ApiError, Cause, DeclaredFailure, ErrorParts, cause, to_error, with_headers};
pub(crate) use body::{HttpError, HttpValidationError, failure};
pub use context::Context;
pub use convert::IsStdError;
pub use field_error::{FieldError, FieldStep};
pub use handler_error::{Error, Result};
pub(crate) use host_error::HostError;
pub(crate) use validation_error::{Step, ValidationError};
