//! Which names of itself the admin interface answers to.
//!
//! A web page can let its own name resolve to this machine, and its browser then lets it read what is served there (DNS
//! rebinding). Such a request names the page's host.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

/// Answers 421 to requests for another host than this one.
pub(super) async fn check_host(request: Request<Body>, next: Next) -> Response {
    if names_own_host(&request) {
        return next.run(request).await;
    }
    let detail =
        "the admin interface has no such host: use an IP address, `localhost`, or a name without dots";
    (StatusCode::MISDIRECTED_REQUEST, Json(json!({ "detail": detail }))).into_response()
}

/// Whether every `host` of a request, and the authority of an absolute target, is the host's own. A request without any
/// comes from no browser.
fn names_own_host<B>(request: &Request<B>) -> bool {
    let hosts = request.headers().get_all(HOST);
    hosts.iter().all(|host| host.to_str().is_ok_and(is_own))
        && request.uri().authority().is_none_or(|authority| is_own(authority.as_str()))
}

/// Whether a host is an address, `localhost`, or a name that no public domain is: one without dots.
fn is_own(host: &str) -> bool {
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
        let own = [
            "127.0.0.1:9090",
            "10.1.2.3",
            "[::1]:9090",
            "localhost",
            "localhost:9090",
            "my-host:9090",
            "a.localhost",
        ];
        for host in own {
            assert!(is_own(host), "{host}");
        }
        let foreign = [
            "evil.example",
            "evil.example:9090",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "localhost@evil.example",
        ];
        for host in foreign {
            assert!(!is_own(host), "{host}");
        }
    }

    #[test]
    fn every_host_and_the_authority_of_an_absolute_target_are_checked_s46b() {
        let request = |target: &str, hosts: &[&str]| {
            let request = Request::get(target);
            let request = hosts.iter().fold(request, |request, host| request.header(HOST, *host));
            names_own_host(&request.body(()).unwrap())
        };
        assert!(request("/", &[]) && request("/", &["localhost", "127.0.0.1"]));
        assert!(request("http://localhost:1/", &["localhost"]));
        assert!(
            !request("/", &["localhost", "evil.example"]) && !request("/", &["evil.example", "localhost"])
        );
        assert!(!request("http://evil.example/", &["localhost"]));
    }
}
