//! Response headers that are given as text.

use std::fmt;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue};

/// Headers that frame the message. The server sets them.
pub(crate) const FRAMING: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// A text that cannot be a header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidHeader {
    #[error("invalid header name {0:?}: expected a name such as `x-cache`")]
    Name(String),
    #[error("invalid value {value:?} of the header `{name}`: expected text without control characters")]
    Value { name: HeaderName, value: String },
}

/// Parses a header.
pub(crate) fn parse(
    name: &str,
    value: &dyn fmt::Display,
) -> Result<(HeaderName, HeaderValue), InvalidHeader> {
    let name = HeaderName::try_from(name).map_err(|_| InvalidHeader::Name(name.to_owned()))?;
    let text = value.to_string();
    match HeaderValue::try_from(text.as_str()) {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(InvalidHeader::Value { name, value: text }),
    }
}
