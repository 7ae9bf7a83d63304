//! Which names of itself the admin interface answers to.
//!
//! A web page can let its own name resolve to this machine, and its browser then lets it read what is served there (DNS
//! rebinding). Such a request names the page's host.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

/// Answers 421 to requests for another host than this one.
pub(super) async fn check_host(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        return next.run(request).await;
    }
    let detail =
        "the admin interface has no such host: use an IP address, `localhost`, or a name without dots";
    (StatusCode::MISDIRECTED_REQUEST, Json(json!({ "detail": detail }))).into_response()
}

/// Whether a request names an address, `localhost`, or a name that no public domain is: one without dots. A request without
/// `host` comes from no browser.
fn is_own(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok()
        || !name.contains('.')
        || name.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_web_page_can_have_is_not_the_hosts_own_s46b() {
        let is_own = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            super::is_own(&headers)
        };
        for host in [
            "127.0.0.1:9090",
            "10.1.2.3",
            "[::1]:9090",
            "localhost",
            "localhost:9090",
            "my-host:9090",
            "a.localhost",
        ] {
            assert!(is_own(host), "{host}");
        }
        for host in
            ["evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example:80"]
        {
            assert!(!is_own(host), "{host}");
        }
        assert!(super::is_own(&HeaderMap::new()));
    }
}
