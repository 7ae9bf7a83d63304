//! Extracts the parameters of the path.

use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use futures_util::FutureExt;
use http::request::Parts;
use serde::de::DeserializeOwned;

/// Parameters of the path: one value where there is one, a tuple by their order, or a struct by their names.
///
/// A value is text, a number, a boolean, or an enum without data. What cannot be read is answered 422. A type that does
/// not fit the path, say a struct with a field that is none of its parameters, is refused when the app starts; a field is
/// known there by its name in the schema, and not by an alias.
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

/// The names and texts of a path's parameters, in its own order.
pub(crate) fn pairs(request: &mut Parts) -> Vec<(String, String)> {
    // They are at hand: nothing is waited for.
    let pairs = axum::extract::Path::from_request_parts(request, &()).now_or_never();
    pairs.and_then(Result::ok).map(|pairs| pairs.0).unwrap_or_default()
}
