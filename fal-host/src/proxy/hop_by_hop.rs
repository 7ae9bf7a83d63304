//! How fields are removed that concern one connection and not the message (RFC 9110, 7.6.1), also from trailers.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, DATE, HOST, HeaderMap,
    HeaderName, HeaderValue, SERVER, TRAILER, USER_AGENT,
};

use super::field_names::{is_alias, is_hop_by_hop, is_protected, is_special};

/// Whether a message has a field that may have to be removed, or read.
pub(super) fn has_special(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| !is_usual(name) && is_special(name.as_str()))
}

/// Whether a field is one of the most frequent ones, which pass as they are. The `http` crate knows them by a number: this looks
/// at no bytes.
pub(super) fn is_usual(name: &HeaderName) -> bool {
    matches!(
        *name,
        ACCEPT | ACCEPT_ENCODING | CONTENT_LENGTH | CONTENT_TYPE | COOKIE | DATE | HOST | SERVER | USER_AGENT
    )
}

/// Whether a message has a field that [`remove_hop_by_hop`] removes or changes.
pub(super) fn has_hop_by_hop(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| is_hop_by_hop(name.as_str()) || *name == TRAILER)
}

/// Removes the fields that are hop-by-hop, and those that `connection` names. Protected ones stay.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(listed)
        .filter_map(|name| HeaderName::from_bytes(name).ok());
    let named: Vec<HeaderName> = named.filter(|name| !is_protected(name.as_str())).collect();
    if headers.contains_key(TRAILER) {
        announce_trailers(headers, &named);
    }
    let known = headers.keys().filter(|name| is_hop_by_hop(name.as_str())).cloned();
    let unwanted: Vec<HeaderName> = known.chain(named).collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// Announces only trailers that are forwarded. hyper sends no others. `named` are the fields that `connection` names.
fn announce_trailers(headers: &mut HeaderMap, named: &[HeaderName]) {
    let announced = headers.get_all(TRAILER).iter().flat_map(listed);
    let announced = announced.filter_map(|name| HeaderName::from_bytes(name).ok());
    let kept = announced.filter(|name| may_be_trailer(name) && !named.contains(name));
    let kept: Vec<HeaderName> = kept.collect();
    headers.remove(TRAILER);
    for name in kept {
        headers.append(TRAILER, name.into());
    }
}

/// Whether a field may be a trailer. Trailers are read after the message was handled by its head (RFC 9110, 6.5.1). They
/// cannot ask for a check either: a response asks when its head arrives (S28, S29).
fn may_be_trailer(name: &HeaderName) -> bool {
    let name = name.as_str();
    !is_hop_by_hop(name) && !is_protected(name) && !is_alias(name)
}

/// A protected field that `connection` names, if there is one.
pub(super) fn protected_in_connection(headers: &HeaderMap) -> bool {
    let named = headers.get_all(CONNECTION).iter().flat_map(listed);
    named.filter_map(|name| HeaderName::from_bytes(name).ok()).any(|name| is_protected(name.as_str()))
}

/// Removes what trailers may not say.
pub(super) fn prepare_trailers(trailers: &mut HeaderMap) {
    let forbidden: Vec<HeaderName> = trailers.keys().filter(|name| !may_be_trailer(name)).cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
}

/// The members of a comma-separated list. A value may have bytes that are not ASCII (RFC 9110, 5.5).
pub(super) fn listed(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    members(value.as_bytes())
}

/// As [`listed`], of the bytes of a value.
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether the values of a list have a member, in any case.
pub(super) fn lists<'a>(mut values: impl Iterator<Item = &'a HeaderValue>, member: &str) -> bool {
    values.any(|value| listed(value).any(|listed| listed.eq_ignore_ascii_case(member.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_field_is_not_special() {
        let names =
            [ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, DATE, HOST, SERVER, USER_AGENT];
        for name in names {
            assert!(is_usual(&name) && !is_special(name.as_str()), "{name}");
        }
    }
}
