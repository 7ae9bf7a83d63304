//! Extracts the parameters of the query.

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::deserializer::{Part, Texts};
use super::parameter_types::ParameterTypes;
use super::rejection::ParameterRejection;

/// The parameters of the query, as the fields of a struct.
///
/// A value is text, a number, a boolean, an enum without data, or a list of them: `?tag=a&tag=b` and `?tag=a` are
/// both a `tag: Vec<String>`. An `Option` or a field with a default may be left out. A parameter that is missing,
/// invalid, or repeated for a field that is not a list is answered with status 422.
///
/// ```
/// use fal_runtime::extract::Query;
/// use fal_runtime::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Search {
///     page: u32,
///     #[serde(default)]
///     tag: Vec<String>,
/// }
///
/// #[derive(Default)]
/// struct Library;
///
/// #[app]
/// impl Library {
///     #[endpoint("/search")]
///     async fn search(&self, Query(search): Query<Search>) -> String {
///         format!("page {} of what is tagged {}", search.page, search.tag.join(" and "))
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ParameterRejection;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, ParameterRejection> {
        let pairs = pairs(&request.uri);
        let types = ParameterTypes::of(request, "query");
        let part = Part { name: "query", spell: |name| name.into(), texts: Texts::All(&pairs), types };
        part.read().map(Self)
    }
}

/// The names and texts of the query, in order.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    // Every query can be read as pairs of texts.
    axum::extract::Query::try_from_uri(uri).map(|pairs| pairs.0).unwrap_or_default()
}
