//! Fields that concern one connection and not the message (RFC 9110, 7.6.1), and how they are removed.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

use super::forwarded::is_forwarding;

/// Whether a field is hop-by-hop by its name. `Trailer` is not.
pub(super) fn is_hop_by_hop(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "connection" | "keep-alive" | "te" | "transfer-encoding" | "upgrade" | "http2-settings")
        || name.starts_with("proxy-")
}

/// Whether a field says something that no hop on the way may make disappear: `connection` must not name it.
pub(super) fn is_protected(name: &str) -> bool {
    let listed = matches!(
        name,
        "authorization"
            | "cache-control"
            | "content-encoding"
            | "content-length"
            | "content-range"
            | "content-type"
            | "cookie"
            | "date"
            | "expect"
            | "host"
            | "origin"
            | "set-cookie"
            | "trailer"
            | "vary"
            | "via"
    );
    listed || name.starts_with("x-fal-") || is_forwarding(name)
}

/// Removes the fields that are hop-by-hop, and those that `connection` names. Protected ones stay.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(listed)
        .filter_map(|name| HeaderName::from_bytes(name).ok());
    let named = named.filter(|name| !is_protected(name.as_str()));
    let known = headers.keys().filter(|name| is_hop_by_hop(name)).cloned();
    let unwanted: Vec<HeaderName> = known.chain(named).collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// A protected field that `connection` names, if there is one.
pub(super) fn protected_in_connection(headers: &HeaderMap) -> bool {
    let named = headers.get_all(CONNECTION).iter().flat_map(listed);
    named.filter_map(|name| HeaderName::from_bytes(name).ok()).any(|name| is_protected(name.as_str()))
}

/// Removes what trailers may not say: they are read after the message was handled by its head (RFC 9110, 6.5.1). They
/// cannot ask for a check either: a response asks when its head arrives (S28, S29).
pub(super) fn prepare_trailers(trailers: &mut HeaderMap) {
    let forbidden = trailers.keys().filter(|name| is_hop_by_hop(name) || is_protected(name.as_str()));
    let forbidden: Vec<HeaderName> = forbidden.cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
}

/// The members of a comma-separated list. A value may have bytes that are not ASCII (RFC 9110, 5.5).
pub(super) fn listed(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether the values of a list have a member, in any case.
pub(super) fn lists<'a>(mut values: impl Iterator<Item = &'a HeaderValue>, member: &str) -> bool {
    values.any(|value| listed(value).any(|listed| listed.eq_ignore_ascii_case(member.as_bytes())))
}
