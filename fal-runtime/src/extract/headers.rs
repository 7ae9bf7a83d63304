//! Extracts headers into a struct.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::deserializer::{Part, Texts};
use super::parameter_types::ParameterTypes;
use super::rejection::ParameterRejection;

/// Headers, as the fields of a struct. `_` in a field's name is `-` in the header's.
///
/// A value is text, a number, a boolean, an enum without data, or a list of them. A list takes every header of its
/// name, any other field the first one. An `Option` or a field with a default may be left out. A missing or invalid
/// header is answered with status 422.
///
/// ```
/// use fal_runtime::extract::Headers;
/// use fal_runtime::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Caller {
///     /// Who is calling: `x-tenant`.
///     x_tenant: String,
///     x_priority: Option<u8>,
/// }
///
/// #[derive(Default)]
/// struct Greeter;
///
/// #[app]
/// impl Greeter {
///     #[endpoint("/")]
///     async fn greet(&self, Headers(caller): Headers<Caller>) -> String {
///         format!("hello, {} with priority {:?}", caller.x_tenant, caller.x_priority)
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Headers<T> {
    type Rejection = ParameterRejection;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, ParameterRejection> {
        let find = |field: &str| {
            request.headers.get_all(&*spell(field)).into_iter().map(HeaderValue::as_bytes).collect()
        };
        let types = ParameterTypes::of(request, "header");
        Part { name: "header", spell, texts: Texts::ByField(&find), types }.read().map(Self)
    }
}

/// The name of the header that a field takes.
fn spell(field: &str) -> Cow<'_, str> {
    field.replace('_', "-").into()
}
