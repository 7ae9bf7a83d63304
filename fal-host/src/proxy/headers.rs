//! How heads are changed on their way through the host.
//!
//! Headers are edited in place. Most messages need no removal, which one pass over their names finds out.

use std::time::Duration;

use fal_health::protocol::header::{HEALTH_CHECK, requests_check};
use http::header::{CONNECTION, EXPECT, Entry, HOST, TE, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::error::ProxyError;

/// The header by which a response asks for a check (S27).
pub(super) static CHECK: HeaderName = HeaderName::from_static(HEALTH_CHECK);
const KEEP_ALIVE: &str = "keep-alive";
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Turns a client's request into the one that a runner gets. `peer` is the client's address.
///
/// The request becomes HTTP/1.1 in origin form. Hop-by-hop fields and a client's request for a check (S28) are removed.
pub(super) fn prepare_request<B>(request: &mut Request<B>, peer: &HeaderValue) -> Result<(), ProxyError> {
    if request.method() == Method::CONNECT {
        return Err(ProxyError::Connect);
    }
    if !has_one_host(request) {
        return Err(ProxyError::BadHost);
    }
    *request.version_mut() = Version::HTTP_11;
    let authority = to_origin_form(request.uri_mut());

    let headers = request.headers_mut();
    // A chunked body is forwarded as a chunked body.
    if headers.keys().any(|name| is_hop_by_hop(name) && name != TRANSFER_ENCODING) {
        let chunks = headers.remove(TRANSFER_ENCODING);
        let accepts_trailers = headers.get_all(TE).iter().any(names_trailers);
        remove_hop_by_hop(headers);
        if accepts_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if let Some(chunks) = chunks {
            headers.insert(TRANSFER_ENCODING, chunks);
        }
    }
    headers.remove(&CHECK);
    // The body follows as soon as the client sends it.
    headers.remove(EXPECT);
    set_host(headers, authority.as_ref());
    set_forwarded(headers, peer);
    Ok(())
}

/// Whether a request has exactly one `host`; HTTP/1.0 requests may have none (RFC 9112, 3.2).
fn has_one_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        count => count == 1,
    }
}

/// Turns a runner's response into the one that the client gets. Returns whether it asked for a check (S27, S28).
pub(super) fn prepare_response(headers: &mut HeaderMap) -> Asks {
    if headers.keys().any(is_hop_by_hop) {
        remove_hop_by_hop(headers);
    }
    if !headers.contains_key(&CHECK) {
        return Asks::No;
    }
    let asks = requests_check(headers.get_all(&CHECK).iter().map(HeaderValue::as_bytes));
    headers.remove(&CHECK);
    if asks { Asks::Yes } else { Asks::No }
}

/// How long a runner keeps an idle connection, by the `timeout` of its `keep-alive`.
pub(super) fn keep_alive_timeout(headers: &HeaderMap) -> Option<Duration> {
    let parameters = listed(headers.get(KEEP_ALIVE)?);
    let mut timeouts = parameters.filter_map(|parameter| {
        let (name, seconds) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| seconds.trim().parse().ok())?
    });
    timeouts.next().map(Duration::from_secs)
}

/// Turns a runner's trailers into those that the client gets. Trailers cannot ask for a check: a response asks when its
/// head arrives (S28, S29).
pub(super) fn prepare_trailers(trailers: &mut HeaderMap) {
    trailers.remove(&CHECK);
}

/// Whether a response asks for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Yes,
    No,
}

/// Whether a field is hop-by-hop: it concerns one connection and not the message (RFC 9110, 7.6.1). `Trailer` is not.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "connection" | "keep-alive" | "te" | "transfer-encoding" | "upgrade")
        || name.starts_with("proxy-")
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed_names =
        headers.get_all(CONNECTION).iter().flat_map(listed).filter_map(|name| name.parse().ok());
    let known = headers.keys().filter(|name| is_hop_by_hop(name)).cloned();
    let names: Vec<HeaderName> = known.chain(listed_names).collect();
    for name in names {
        headers.remove(name);
    }
}

fn names_trailers(te: &HeaderValue) -> bool {
    listed(te).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

/// The members of a comma-separated list.
fn listed(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim)
}

/// Reduces a URI to path and query, and returns its authority, if it had one (RFC 9112, 3.2.2).
fn to_origin_form(uri: &mut Uri) -> Option<Authority> {
    uri.authority()?;
    let parts = std::mem::take(uri).into_parts();
    let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *uri = Uri::from(path);
    parts.authority
}

/// Sets `host`: to the authority of the request line, or else to the client's own, or else to an empty one (RFC 9112,
/// 3.2).
fn set_host(headers: &mut HeaderMap, authority: Option<&Authority>) {
    let named = authority.and_then(|authority| HeaderValue::from_str(host_and_port(authority)).ok());
    if let Some(host) = named {
        headers.insert(HOST, host);
    } else if let Entry::Vacant(entry) = headers.entry(HOST) {
        entry.insert(HeaderValue::from_static(""));
    }
}

/// The authority without user name and password.
fn host_and_port(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

fn set_forwarded(headers: &mut HeaderMap, peer: &HeaderValue) {
    match headers.entry(&FORWARDED_FOR) {
        Entry::Vacant(entry) => {
            entry.insert(peer.clone());
        }
        Entry::Occupied(mut entry) => {
            let hops: Vec<&[u8]> = entry.iter().chain([peer]).map(HeaderValue::as_bytes).collect();
            if let Ok(hops) = HeaderValue::from_bytes(&hops.join(&b", "[..])) {
                entry.insert(hops);
            }
        }
    }
    headers.entry(&FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
}
