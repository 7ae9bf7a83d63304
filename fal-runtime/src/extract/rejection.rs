//! What is wrong with the query, the headers or the cookies of a request.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use crate::json::ErrorKind;

/// The rejection of [`Query`](super::Query), [`Headers`](super::Headers) and [`Cookies`](super::Cookies). The client of
/// an endpoint reads it as status 422 with the list of errors that an invalid body has, too.
#[derive(Debug)]
pub struct ParameterRejection(pub(crate) Box<ParameterError>);

/// The first error in a part of a request's head.
#[derive(Debug)]
pub(crate) struct ParameterError {
    /// The part, as error locations call it: `query`, `header` or `cookie`.
    pub(crate) part: &'static str,
    pub(crate) kind: ErrorKind,
    /// The name of the parameter; empty where the error is no single parameter's.
    pub(crate) name: Cow<'static, str>,
    /// The index of the value, where the field is a list.
    pub(crate) index: Option<usize>,
    /// The invalid value; null where it is missing.
    pub(crate) input: Value,
}

impl IntoResponse for ParameterRejection {
    fn into_response(self) -> Response {
        let ParameterError { part, kind, .. } = *self.0;
        (StatusCode::UNPROCESSABLE_ENTITY, format!("{part}: {kind}")).into_response()
    }
}
