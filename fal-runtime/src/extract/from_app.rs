//! Extractors that see the app.

use http::request::Parts;

use super::security::SecurityScheme;
use crate::error::Result;

/// A value that is extracted from the request head and the app, for example the caller that a key belongs to.
///
/// An endpoint of the app `A` takes it as an argument. An error is the response. The OpenAPI document shows the security schemes,
/// and the statuses 401 and 403, at the endpoints that take it. An extractor belongs to one app: implement it for one `A`.
///
/// Like any endpoint's future, it is dropped when the client disconnects.
///
/// ```
/// use std::collections::HashMap;
///
/// use fal_runtime::extract::{Bearer, FromApp, MissingBearer, Parts, SecurityScheme};
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Chat {
///     names: HashMap<String, String>,
/// }
///
/// /// Who is calling.
/// struct Caller {
///     name: String,
/// }
///
/// impl FromApp<Chat> for Caller {
///     const SECURITY: &'static [SecurityScheme] = &[SecurityScheme::BEARER];
///
///     async fn from_app(app: &Chat, request: &Parts) -> Result<Self> {
///         let bearer = Bearer::from_headers(&request.headers).ok_or(MissingBearer)?;
///         let name = app.names.get(bearer.token()).status(StatusCode::FORBIDDEN).detail("unknown key")?;
///         Ok(Self { name: name.clone() })
///     }
/// }
///
/// #[app]
/// impl Chat {
///     #[endpoint("/whoami", method = GET)]
///     async fn whoami(&self, caller: Caller) -> String {
///         caller.name
///     }
/// }
/// # fn main() {}
/// ```
pub trait FromApp<A>: Sized + Send {
    /// The ways to authenticate that it accepts, for the OpenAPI document. Default: none.
    const SECURITY: &'static [SecurityScheme] = &[];

    /// Extracts it. The request has no body here.
    fn from_app(app: &A, request: &Parts) -> impl Future<Output = Result<Self>> + Send;
}
