//! Extracts the parameters of the path.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind as PathErrorKind;
use axum::extract::rejection::PathRejection;
use futures_util::FutureExt;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::deserializer::{Part, PartDeserializer, Texts};
use super::parameter_types::ParameterTypes;
use super::path_deserializer::PathDeserializer;
use super::rejection::{ParameterError, ParameterRejection};
use crate::json::ErrorKind;

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
    type Rejection = ParameterRejection;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, ParameterRejection> {
        let pairs = texts(request)?;
        let types = ParameterTypes::of(request, "path");
        let part = Part { name: "path", spell: |name| name.into(), texts: Texts::All(&pairs), types };
        let read = part.read_with(|position| {
            let by_name = PartDeserializer { part: &part, position };
            T::deserialize(PathDeserializer { pairs: &pairs, by_name })
        });
        read.map(Self)
    }
}

/// The names and texts of the path's parameters, in order.
pub(crate) fn pairs(request: &mut Parts) -> Vec<(String, String)> {
    texts(request).unwrap_or_default()
}

/// The same, or which of them is no text.
fn texts(request: &mut Parts) -> Result<Vec<(String, String)>, ParameterRejection> {
    // This future is always ready.
    let pairs = axum::extract::Path::from_request_parts(request, &()).now_or_never();
    match pairs {
        Some(Ok(pairs)) => Ok(pairs.0),
        Some(Err(PathRejection::FailedToDeserializePathParams(failed))) => {
            let name = match failed.into_kind() {
                PathErrorKind::InvalidUtf8InPathParam { key } => key.into(),
                _ => "".into(),
            };
            let kind = ErrorKind::NotUnicode;
            Err(ParameterRejection(Box::new(ParameterError {
                part: "path",
                kind,
                name,
                index: None,
                input: Value::Null,
            })))
        }
        _ => Ok(Vec::new()),
    }
}
