//! The page `/docs` (S78): the endpoints in a browser, in one file without requests to other machines.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};

/// Whether a runner shows the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocsPage {
    Off,
    On,
}

/// Its path.
pub(crate) const PATH: &str = "/docs";

const PAGE: &str = include_str!("docs_page.html");

/// The page has no script and no style but its own, by their hashes, which the test of the page computes. It may only speak with its
/// own app, makes no markup of texts, and no other page may embed it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'sha256-tVHaQDAEFo9SDIVP0h5wORUX9t3uGoUzfseLi/zby1s='; \
     style-src 'sha256-1qouNGWaXvGlg11UXImr6JoglltSskKbCzG9TyZzJh8='; connect-src 'self'; \
     img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
);

pub(crate) fn response() -> Response {
    let mut response = Response::new(Body::from(PAGE));
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    response.headers_mut().extend(headers);
    response
}
