//! Ways to authenticate, for the OpenAPI document.

/// A way in which clients authenticate, in the OpenAPI document.
///
/// An extractor declares it for the endpoints that take it, by [`FromApp::SECURITY`](super::FromApp::SECURITY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityScheme(pub(crate) SecurityKind);

/// The kinds of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecurityKind {
    /// A scheme of the header `authorization`.
    Http(&'static str),
    /// A key in a header of this name.
    Header(&'static str),
    /// A key in a cookie of this name.
    Cookie(&'static str),
}

impl SecurityScheme {
    /// A token: `authorization: Bearer …` (RFC 6750).
    pub const BEARER: Self = Self(SecurityKind::Http("bearer"));

    /// A user and a password: `authorization: Basic …` (RFC 7617).
    pub const BASIC: Self = Self(SecurityKind::Http("basic"));

    /// A key in a header, such as `x-api-key`. The name is in lower case.
    pub const fn header(name: &'static str) -> Self {
        Self(SecurityKind::Header(name))
    }

    /// A key in a cookie.
    pub const fn cookie(name: &'static str) -> Self {
        Self(SecurityKind::Cookie(name))
    }
}
