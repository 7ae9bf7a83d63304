//! Answers that depend on the head of the request.

use std::fmt::Debug;

use axum::response::Response;
use http::{HeaderMap, Method};

use super::head::ResponseHead;

/// An answer that depends on the head of the request. It is a trait object, so that only programs that return one contain its code.
pub trait ByRequest: Debug + Send {
    /// The response to a request with this method and these headers.
    fn respond(self: Box<Self>, method: &Method, request: &HeaderMap, head: ResponseHead) -> Response;
}
