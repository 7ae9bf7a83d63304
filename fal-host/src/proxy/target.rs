//! What a request is for: its target and its host (RFC 9112, 3.2).

use std::net::Ipv6Addr;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use super::error::ProxyError;
use super::head_copy::HeadCopy;

/// Reduces the target of a request to path and query, and sets its `host`: to the authority of an absolute target, or else
/// to the client's own, or else to an empty one.
///
/// `received` is the copy of its head.
pub(super) fn prepare_target<B>(request: &mut Request<B>, received: &HeadCopy) -> Result<(), ProxyError> {
    let has_host = check_host(request)?;
    let is_options = request.method() == Method::OPTIONS;
    let authority = to_origin_form(request.uri_mut(), is_options, received)?;
    if authority.is_some() || !has_host {
        set_host(request.headers_mut(), authority.as_ref())?;
    }
    Ok(())
}

/// Rejects requests without exactly one valid `host`. HTTP/1.0 requests may have none. Those of HTTP/2 may have an authority
/// instead, or the same one. Returns whether there is a `host`.
fn check_host<B>(request: &Request<B>) -> Result<bool, ProxyError> {
    let authority = request.uri().authority().filter(|_| request.version() == Version::HTTP_2);
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 || authority.is_some() => Ok(false),
        (Some(host), None)
            if authority.is_some_and(|it| !it.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())) =>
        {
            Err(ProxyError::BadHost)
        }
        (Some(host), None) if is_host(host.as_bytes()) => Ok(true),
        _ => Err(ProxyError::BadHost),
    }
}

/// Whether a text is a host, and maybe a port. An empty one is valid where the target has no authority.
///
/// RFC 3986 has further letters for names, such as `,` and `%`. No domain has one, and servers read them differently.
fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(at) if !text.ends_with(b"]") => (text.get(..at), text.get(at + 1..)),
        _ => (Some(text), None),
    };
    let Some(host) = host.filter(|host| port.is_none_or(|port| !host.is_empty() && is_port(port))) else {
        return false;
    };
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~');
    host.iter().all(is_letter) || is_bracketed_address(host)
}

/// Whether a text is the number of a port. An empty one is the default port (RFC 3986, 3.2.3).
fn is_port(text: &[u8]) -> bool {
    let is_number = text.iter().all(u8::is_ascii_digit);
    is_number && (text.is_empty() || str::from_utf8(text).is_ok_and(|text| text.parse::<u16>().is_ok()))
}

fn is_bracketed_address(text: &[u8]) -> bool {
    let address = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]"));
    address
        .and_then(|address| str::from_utf8(address).ok())
        .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Leaves path and query, and returns the authority of an absolute target.
fn to_origin_form(
    uri: &mut Uri,
    is_options: bool,
    received: &HeadCopy,
) -> Result<Option<Authority>, ProxyError> {
    match (uri.scheme_str(), uri.authority()) {
        (None, None) if uri.path().starts_with('/') => return Ok(None),
        (None, None) if uri.path() == "*" && is_options => return Ok(None),
        (Some("http" | "https"), Some(_)) => {}
        _ => return Err(ProxyError::BadTarget),
    }
    let parts = std::mem::take(uri).into_parts();
    let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let path = match path.as_str() {
        // A `Uri` has this path, too, if the target has none. Only OPTIONS has a meaning of its own then (RFC 9112, 3.2.4).
        "/" if is_options && received.has_no_path() => PathAndQuery::from_static("*"),
        "*" if is_options => PathAndQuery::from_static("*"),
        "*" => return Err(ProxyError::BadTarget),
        text if text.starts_with('/') => path,
        text => PathAndQuery::try_from(format!("/{text}")).map_err(|_| ProxyError::BadTarget)?,
    };
    *uri = Uri::from(path);
    Ok(parts.authority)
}

fn set_host(headers: &mut HeaderMap, authority: Option<&Authority>) -> Result<(), ProxyError> {
    if let Some(authority) = authority.map(Authority::as_str) {
        // A user name before the host only misleads (RFC 9110, 4.2.4).
        if authority.is_empty() || !is_host(authority.as_bytes()) {
            return Err(ProxyError::BadTarget);
        }
        let host = HeaderValue::from_str(authority).map_err(|_| ProxyError::BadTarget)?;
        headers.insert(HOST, host);
    } else {
        headers.entry(HOST).or_insert(HeaderValue::from_static(""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_at_most_a_port() {
        for host in [
            "",
            "a",
            "a.example:80",
            "127.0.0.1:",
            "[::1]",
            "[::1]:8080",
            "my_app",
            "xn--a.b",
            "a~b",
            "a:65535",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        let invalid = [
            "a b",
            "a/b",
            "u@a",
            "u:p@a",
            "a:b",
            "a:123456",
            "a:65536",
            "a:+1",
            "::1",
            "[::1",
            "[]",
            "[1]",
            "[::1]a",
            "[::1%25lo]",
            "a?b",
            "a\\b",
            "a:80:80",
            ":80",
            "a,b",
            "a%62",
            "a;b",
            "é",
        ];
        for host in invalid {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
