//! Turns the head of a client's request into the one that a runner gets. Fields are edited in place.

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Version};

use super::client::Client;
use super::error::ProxyError;
use super::forwarded::{append_sender, remove_forwarded};
use super::head_copy::HeadCopy;
use super::hop_by_hop::{has_hop_by_hop, has_special, lists, protected_in_connection, remove_hop_by_hop};
use super::response_head::take_asks;
use super::target::prepare_target;

/// How many fields a request may have.
const MAX_FIELDS: usize = 100;

/// What a request asks of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    /// It asks to switch protocols: the connection becomes a tunnel if its runner agrees.
    pub(super) upgrade: bool,
    /// It waits for `100 Continue` with its body.
    pub(super) expects_continue: bool,
    /// Its headers name its sender. Otherwise that is still to be added.
    pub(super) names_sender: bool,
}

/// Turns a client's request into the one that a runner gets. `has_body` is whether it has a body. `max_head` is named if its head is too
/// large.
///
/// The request becomes HTTP/1.1 in origin form. Hop-by-hop fields, what only a response may ask of the host (S28), and forwarding
/// fields of clients that are not trusted are removed. An upgrade is kept.
pub(super) fn prepare_request<B>(
    request: &mut Request<B>,
    client: &Client,
    has_body: bool,
    max_head: usize,
) -> Result<Wishes, ProxyError> {
    if request.method() == Method::CONNECT {
        return Err(ProxyError::Connect);
    }
    prepare_target(request, &client.head)?;
    let version = std::mem::replace(request.version_mut(), Version::HTTP_11);
    let headers = request.headers_mut();
    if version == Version::HTTP_2 {
        join_cookies(headers);
        // hyper limits those of HTTP/1.1.
        if headers.len() > MAX_FIELDS {
            return Err(ProxyError::HeadTooLarge { max: max_head });
        }
        // HTTP/1.1 has trailers only in chunks.
        if headers.contains_key(TRAILER) {
            headers.remove(CONTENT_LENGTH);
        }
    }
    let mut wishes = Wishes { upgrade: false, expects_continue: false, names_sender: false };
    if has_special(headers) {
        wishes.upgrade = prepare_connection(headers, version, client, has_body)?;
        take_asks(headers);
        wishes.expects_continue = prepare_expect(headers, version, has_body);
        remove_forwarded(headers, &client.sender);
        wishes.names_sender = append_sender(headers, &client.sender);
    }
    Ok(wishes)
}

/// Keeps `expect` only where the request waits for `100 Continue`. Returns whether it does.
///
/// hyper cannot send `100 Continue` to a client of HTTP/2, which gets to send its body at once.
fn prepare_expect(headers: &mut HeaderMap, version: Version, has_body: bool) -> bool {
    let expects_continue = has_body
        && version == Version::HTTP_11
        && headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !expects_continue {
        headers.remove(EXPECT);
    }
    expects_continue
}

/// Makes one `cookie` of several, as HTTP/1.1 has it. Clients of HTTP/2 may split it (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Removes what concerns the client's connection only. Returns whether the request asks for an upgrade.
fn prepare_connection(
    headers: &mut HeaderMap,
    version: Version,
    client: &Client,
    has_body: bool,
) -> Result<bool, ProxyError> {
    if !has_hop_by_hop(headers) {
        return Ok(false);
    }
    if protected_in_connection(headers) {
        return Err(ProxyError::BadConnection);
    }
    check_chunked(headers, &client.head)?;
    // A chunked body is forwarded as a chunked body.
    let chunked = headers.remove(TRANSFER_ENCODING);
    let accepts_trailers = lists(headers.get_all(TE).iter(), "trailers");
    let upgrade = upgrade_of(headers, version, has_body);
    remove_hop_by_hop(headers);
    if accepts_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if let Some(chunked) = chunked {
        headers.insert(TRANSFER_ENCODING, chunked);
    }
    let is_upgrade = upgrade.is_some();
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    Ok(is_upgrade)
}

/// Rejects a transfer coding other than `chunked`, `chunked` twice, and a length beside it: peers disagree on what it means.
fn check_chunked(headers: &HeaderMap, received: &HeadCopy) -> Result<(), ProxyError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            if received.has_length() { Err(ProxyError::BothFramings) } else { Ok(()) }
        }
        _ => Err(ProxyError::BadFraming),
    }
}

/// The protocol that a request asks to switch to. `h2c` does not count: the connection to the runner speaks HTTP/1.1, and what
/// follows would pass the host unseen.
fn upgrade_of(headers: &HeaderMap, version: Version, has_body: bool) -> Option<HeaderValue> {
    let is_asked =
        version >= Version::HTTP_11 && !has_body && lists(headers.get_all(CONNECTION).iter(), "upgrade");
    let protocol = headers.get(UPGRADE).filter(|_| is_asked)?;
    (!lists(headers.get_all(UPGRADE).iter(), "h2c")).then(|| protocol.clone())
}
