//! Extracts the parameters of the path.

use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use futures_util::FutureExt;
use http::request::Parts;
use serde::de::DeserializeOwned;

/// The parameters of the path: one value for one parameter, a tuple by order, or a struct by name.
///
/// A value is text, a number, a boolean, or an enum without data. An invalid value is answered with status 422. A
/// type that does not fit the path, for example a struct with a field that matches no parameter, is an error at start.
/// That check uses the names of the schema, without aliases.
///
/// ```
/// use fal_runtime::extract::Path;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Library;
///
/// #[app]
/// impl Library {
///     #[endpoint("/shelves/{shelf}/books/{book}")]
///     async fn book(&self, Path((shelf, book)): Path<(u32, String)>) -> String {
///         format!("{book} on shelf {shelf}")
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = PathRejection;

    async fn from_request_parts(request: &mut Parts, state: &S) -> Result<Self, PathRejection> {
        axum::extract::Path::from_request_parts(request, state).await.map(|taken| Self(taken.0))
    }
}

/// The names and texts of the path's parameters, in order.
pub(crate) fn pairs(request: &mut Parts) -> Vec<(String, String)> {
    // This future is always ready.
    let pairs = axum::extract::Path::from_request_parts(request, &()).now_or_never();
    pairs.and_then(Result::ok).map(|pairs| pairs.0).unwrap_or_default()
}
