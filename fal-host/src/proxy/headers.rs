//! What is changed in a message that passes through. Headers are edited in place; most messages need none of the
//! removals, and are found so in one pass over their names.

use fal_health::header::{NAME as CHECK_NAME, requests_check};
use http::header::{CONNECTION, EXPECT, Entry, HOST, TE, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::refusal::Refusal;

/// The header by which a response asks for a check (S27).
pub(super) static CHECK: HeaderName = HeaderName::from_static(CHECK_NAME);
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Makes a client's request the one that a runner gets. `peer` is the client's address.
///
/// It becomes HTTP/1.1 in origin form; what concerns the client's connection alone is removed, and so is a client's
/// request for a check (S28).
pub(super) fn prepare_request<B>(request: &mut Request<B>, peer: &HeaderValue) -> Result<(), Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    if !names_its_host(request) {
        return Err(Refusal::BadHost);
    }
    *request.version_mut() = Version::HTTP_11;
    let authority = to_origin_form(request.uri_mut());

    let headers = request.headers_mut();
    // A body that comes in chunks is sent on in chunks: the name stays where it is.
    if headers.keys().any(|name| is_of_connection(name) && name != TRANSFER_ENCODING) {
        let chunks = headers.remove(TRANSFER_ENCODING);
        let accepts_trailers = headers.get_all(TE).iter().any(names_trailers);
        remove_of_connection(headers);
        if accepts_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if let Some(chunks) = chunks {
            headers.insert(TRANSFER_ENCODING, chunks);
        }
    }
    headers.remove(&CHECK);
    // The body follows as soon as the client sends it; there is nothing to wait for.
    headers.remove(EXPECT);
    set_host(headers, authority.as_ref());
    set_forwarded(headers, peer);
    Ok(())
}

/// Whether a request says once which host it is for; before HTTP/1.1 none had to. Of two, another server on its way could
/// have gone by the other one (RFC 9112, 3.2).
fn names_its_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        count => count == 1,
    }
}

/// Makes a runner's response the one that the client gets. Says whether it asked for a check (S27, S28).
pub(super) fn prepare_response(headers: &mut HeaderMap) -> Asks {
    if headers.keys().any(is_of_connection) {
        remove_of_connection(headers);
    }
    if !headers.contains_key(&CHECK) {
        return Asks::No;
    }
    let asks = requests_check(headers.get_all(&CHECK).iter().map(HeaderValue::as_bytes));
    headers.remove(&CHECK);
    if asks { Asks::Yes } else { Asks::No }
}

/// Makes a runner's trailers those that the client gets. They ask for nothing: a response asks when its head arrives (S28,
/// S29).
pub(super) fn prepare_trailers(trailers: &mut HeaderMap) {
    trailers.remove(&CHECK);
}

/// Whether a response asks for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Yes,
    No,
}

/// Whether a header concerns one connection and not the message (RFC 9110, 7.6.1). `Trailer` does not.
fn is_of_connection(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "connection" | "keep-alive" | "te" | "transfer-encoding" | "upgrade")
        || name.starts_with("proxy-")
}

fn remove_of_connection(headers: &mut HeaderMap) {
    let listed_names =
        headers.get_all(CONNECTION).iter().flat_map(listed).filter_map(|name| name.parse().ok());
    let known = headers.keys().filter(|name| is_of_connection(name)).cloned();
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

/// Leaves path and query, and gives back the authority of a request that named one (RFC 9112, 3.2.2).
fn to_origin_form(uri: &mut Uri) -> Option<Authority> {
    uri.authority()?;
    let parts = std::mem::take(uri).into_parts();
    let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *uri = Uri::from(path);
    parts.authority
}

/// The authority of the request line counts, then the client's own header; HTTP/1.1 wants one, if an empty one (RFC
/// 9112, 3.2).
fn set_host(headers: &mut HeaderMap, authority: Option<&Authority>) {
    let named = authority.and_then(|authority| HeaderValue::from_str(host_and_port(authority)).ok());
    if let Some(host) = named {
        headers.insert(HOST, host);
    } else if let Entry::Vacant(entry) = headers.entry(HOST) {
        entry.insert(HeaderValue::from_static(""));
    }
}

/// Without the user name and password that may stand before it.
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
