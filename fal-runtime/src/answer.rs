//! Answers that are no JSON.
//!
//! A plain value that an endpoint returns is sent as JSON. One of these types is sent as what it is, and the OpenAPI
//! document says so; a [`Response`] of axum's is sent as it is, and the document says nothing of it. What the endpoint
//! sets on its [`ResponseHead`](crate::ResponseHead) holds for them, too. Answers that come bit by bit are
//! [`Events`](crate::Events).

pub use axum::response::Response;

pub use crate::endpoint::{Binary, File, Redirect};
