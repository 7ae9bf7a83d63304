//! Apps as their authors declare them, and what they answer.

#![forbid(unsafe_code)]
#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "an endpoint is what its signature says, however little it does"
)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod all_errors;
mod answers;
mod api_error;
mod arguments;
mod authentication;
mod blocks;
mod bodies;
mod borrowed;
mod buffered_errors;
mod client;
mod components;
#[cfg(feature = "cors")]
mod cors;
mod error_headers;
mod event_fields;
mod events;
mod extract;
mod extract_errors;
mod failures;
mod field_errors;
mod files;
mod flattened;
mod foreign_errors;
mod forms;
mod health;
mod hygiene;
mod invalid_extractors;
mod length_units;
mod lifecycle;
mod limits;
mod methods;
#[cfg(feature = "multipart")]
mod multipart;
mod openapi;
mod openapi_3_0;
mod parameters;
mod paths;
mod repeated_headers;
mod response_head;
mod sockets;
mod syntax;
mod validation;
mod validation_of_head;
#[cfg(feature = "ws")]
mod web_sockets;
