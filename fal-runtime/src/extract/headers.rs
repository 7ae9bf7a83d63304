//! Extracts headers into a struct.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::pairs::{PairsRejection, Part, read};

/// Headers, as the fields of a struct: `_` in a field's name is `-` in the header's.
///
/// A value is text, a number, a boolean, or an enum without data; an `Option` or a field with a default may be left
/// out. Of several headers of one name the first is taken. What is missing or cannot be read is answered 422.
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
    type Rejection = PairsRejection;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, PairsRejection> {
        let headers = &request.headers;
        let find = |name: &str| Some(headers.get(name)?.as_bytes());
        let spell = |field: &'static str| field.replace('_', "-").into();
        read(Part { name: "header", spell, find: &find }).map(Self)
    }
}
