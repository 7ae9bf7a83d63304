//! The live page (S89): one file without requests to other machines, made of the files in `page/` without a build step.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>\n",
    include_str!("page/style.css"),
    "</style>\n",
    include_str!("page/body.html"),
    "<script>\n",
    include_str!("page/elements.js"),
    include_str!("page/pictures.js"),
    include_str!("page/runners.js"),
    include_str!("page/events.js"),
    include_str!("page/live.js"),
    "</script>\n</body>\n</html>\n",
);

/// The page has no script and no style but its own, by their hashes, which the test of the page computes. It may only speak with
/// this host, makes no markup of texts, and no other page may embed it.
const POLICY: &str = "default-src 'none'; script-src 'sha256-Oi2H49QjgYWI4dwfnGa4KHVYpv+J5K14w+Q241BQcBs='; \
    style-src 'sha256-iJupjelr43rJm+pLBQGYnbLnca9GfJfJTQh0qqbvWVU='; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

pub(super) async fn page() -> Response {
    let head: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (head, PAGE).into_response()
}
