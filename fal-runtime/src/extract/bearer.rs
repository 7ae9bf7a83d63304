//! Extracts the bearer token of a request.

use std::fmt;
use std::hint::black_box;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::error::Error;

/// The token of `authorization: Bearer …`.
///
/// A request without one is answered with status 401 and `www-authenticate: Bearer`. `Option<Bearer>` is `None` then. The OpenAPI
/// document shows the security scheme at the endpoints that take it.
///
/// The endpoint itself decides whether the token is valid. To decide it in one place, with the app's state, write a
/// [`FromApp`](super::FromApp).
///
/// ```
/// use fal_runtime::extract::Bearer;
/// use fal_runtime::prelude::*;
///
/// struct Vault { key: String }
///
/// #[app]
/// impl Vault {
///     fn setup() -> Result<Self> {
///         Ok(Self { key: std::env::var("VAULT_KEY").context("VAULT_KEY is the key that clients send")? })
///     }
///
///     #[endpoint("/open")]
///     async fn open(&self, bearer: Bearer) -> Result<&'static str> {
///         if !bearer.is(&self.key) {
///             return Err(Error::new(StatusCode::FORBIDDEN, "wrong key"));
///         }
///         Ok("treasure")
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

impl Bearer {
    /// Reads the token from the headers of a request. `None` if there is no `authorization` of this scheme.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Self(token.to_owned()))
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.0
    }

    /// Whether it is this token. The time of the comparison depends on the lengths only, so that a client cannot guess the token
    /// byte by byte.
    pub fn is(&self, token: &str) -> bool {
        let differing =
            self.0.bytes().zip(token.bytes()).fold(0, |all, (one, other)| black_box(all | (one ^ other)));
        differing == 0 && self.0.len() == token.len()
    }
}

/// Hides the token.
impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(***)")
    }
}

const NOT_AUTHENTICATED: &str = "Not authenticated: send `authorization: Bearer …`";

/// The rejection of [`Bearer`]: status 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingBearer;

impl From<MissingBearer> for Error {
    fn from(_: MissingBearer) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, NOT_AUTHENTICATED).header("www-authenticate", "Bearer")
    }
}

impl IntoResponse for MissingBearer {
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")], NOT_AUTHENTICATED).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = MissingBearer;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, MissingBearer> {
        Self::from_headers(&request.headers).ok_or(MissingBearer)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = MissingBearer;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Option<Self>, MissingBearer> {
        Ok(Self::from_headers(&request.headers))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn token(authorization: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(authorization))]);
        Bearer::from_headers(&headers).map(|bearer| bearer.token().to_owned())
    }

    #[test]
    fn the_scheme_matches_in_any_case_and_needs_a_token() {
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bEARER  abc").as_deref(), Some("abc"));
        for other in ["Bearer", "Bearer ", "Basic abc", "abc", ""] {
            assert_eq!(token(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_only_itself_and_is_not_shown() {
        let bearer = Bearer("abc".into());
        assert!(bearer.is("abc"));
        for other in ["", "ab", "abcd", "abd", "xbc"] {
            assert!(!bearer.is(other), "{other}");
        }
        assert_eq!(format!("{bearer:?}"), "Bearer(***)");
    }
}
