//! Extractors: what an endpoint takes from the path, the query, the headers and the cookies of a request.
//!
//! Extractors and the JSON body are arguments in any order. The OpenAPI document describes these types, and an
//! invalid request is answered with status 422 and a list of errors. [`Bearer`] is the token of the `authorization` header. Your
//! own extractors implement [`FromApp`], which sees the app.
//!
//! [`Bytes`], [`Text`] and [`BodyStream`] are bodies of other media types than JSON.
//!
//! With the feature `multipart`, an endpoint can take form data: [`Multipart`].
//!
//! With the feature `ws`, an endpoint with `method = GET` can take a [`WebSocketUpgrade`].
//!
//! An endpoint can also take any other [`FromRequestParts`], axum's or your own. The document does not describe it. Its rejection keeps its status,
//! headers and text; the text of a 500 goes to the log only.
//!
//! ```
//! use fal_runtime::extract::{Path, Query, RequestContext};
//! use fal_runtime::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Page {
//!     #[serde(default)]
//!     page: u32,
//! }
//!
//! #[derive(Default)]
//! struct Library;
//!
//! #[app]
//! impl Library {
//!     #[endpoint("/shelves/{shelf}/search")]
//!     async fn search(
//!         &self,
//!         Path(shelf): Path<u32>,
//!         Query(Page { page }): Query<Page>,
//!         request: RequestContext,
//!         words: Vec<String>,
//!     ) -> String {
//!         format!("{}: {} words on shelf {shelf}, page {page}", request.id(), words.len())
//!     }
//! }
//! # fn main() {}
//! ```

mod bearer;
mod body;
mod context;
mod cookies;
mod deserializer;
mod from_app;
mod headers;
#[cfg(feature = "multipart")]
mod multipart;
mod parameter_types;
mod path;
mod path_deserializer;
mod query;
mod rejection;
mod security;
mod text;

use std::ops::{Deref, DerefMut};

pub use axum::extract::FromRequestParts;
#[cfg(feature = "ws")]
pub use axum::extract::ws::{self, WebSocketUpgrade};
pub use bearer::{Bearer, MissingBearer};
pub(crate) use body::SharedBody;
pub use body::{BodyStream, Text};
pub use bytes::Bytes;
pub use context::{Deadline, RequestContext};
pub use cookies::Cookies;
pub use from_app::FromApp;
pub use headers::Headers;
pub use http::HeaderMap;
pub use http::request::Parts;
#[cfg(feature = "multipart")]
pub use multipart::{FormPart, Multipart};
pub(crate) use parameter_types::{FieldType, ParameterTypes, PartTypes, ScalarType};
pub use path::Path;
pub use query::Query;
pub(crate) use rejection::ParameterError;
pub use rejection::ParameterRejection;
pub(crate) use security::SecurityKind;
pub use security::SecurityScheme;
#[cfg(feature = "garde")]
pub(crate) use {cookies::pairs as cookies, deserializer::group_by_name};
pub(crate) use {path::pairs as parameters, query::pairs};

macro_rules! transparent {
    ($($extractor:ident)*) => {$(
        impl<T> Deref for $extractor<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> DerefMut for $extractor<T> {
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }
    )*};
}

transparent! { Path Query Headers Cookies }
