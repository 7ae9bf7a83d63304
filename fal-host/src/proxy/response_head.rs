//! Turns the head of a runner's response into the one that the client gets. Fields are edited in place.

use std::time::Duration;

use fal_health::protocol::header::{HEALTH_CHECK, STOP_RUNNER, is_asked};
use http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::hop_by_hop::{has_hop_by_hop, has_special, listed, remove_hop_by_hop};

/// The headers by which a response asks for a check (S27) and for the stop of its runner (S58).
pub(super) static CHECK: HeaderName = HeaderName::from_static(HEALTH_CHECK);
pub(super) static STOP: HeaderName = HeaderName::from_static(STOP_RUNNER);

/// What a response asks of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    /// A check of its runner (S27).
    Check,
    /// The stop of its runner, which no check has to precede (S58).
    Stop,
}

/// What a response says to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) asks: Asks,
    /// How long the runner keeps an idle connection, by the `timeout` of its `keep-alive`.
    pub(super) keep_alive: Option<Duration>,
}

/// Turns a runner's response into the one that the client gets. Returns what it said to the host (S27, S28, S58).
pub(super) fn prepare_response(headers: &mut HeaderMap) -> Answered {
    if !has_special(headers) {
        return Answered { asks: Asks::Nothing, keep_alive: None };
    }
    let (asks, keep_alive) = (take_asks(headers), keep_alive_timeout(headers));
    if has_hop_by_hop(headers) {
        remove_hop_by_hop(headers);
    }
    Answered { asks, keep_alive }
}

/// Turns a runner's `101 Switching Protocols` into the one that the client gets. Returns what it asked of the host.
pub(super) fn prepare_switch(headers: &mut HeaderMap) -> Asks {
    let asks = take_asks(headers);
    let protocol = headers.get(UPGRADE).cloned();
    remove_hop_by_hop(headers);
    headers.remove(CONTENT_LENGTH);
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    asks
}

/// Writes the head of an interim response as the client gets it. `100 Continue` is not among these: the client gets that when
/// its body is read.
pub(super) fn write_interim(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut headers = headers.clone();
    take_asks(&mut headers);
    remove_hop_by_hop(&mut headers);
    // It has no body, and may not have a length (RFC 9110, 8.6).
    headers.remove(CONTENT_LENGTH);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in &headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Removes from a message what only a response may ask of the host. Returns what it asks.
pub(super) fn take_asks(headers: &mut HeaderMap) -> Asks {
    if !headers.keys().any(|name| *name == CHECK || *name == STOP) {
        return Asks::Nothing;
    }
    let mut take = |name: &HeaderName| {
        let asks = is_asked(headers.get_all(name).iter().map(HeaderValue::as_bytes));
        headers.remove(name);
        asks
    };
    match (take(&STOP), take(&CHECK)) {
        (true, _) => Asks::Stop,
        (false, true) => Asks::Check,
        (false, false) => Asks::Nothing,
    }
}

fn keep_alive_timeout(headers: &HeaderMap) -> Option<Duration> {
    let mut timeouts = listed(headers.get("keep-alive")?).filter_map(|parameter| {
        let (name, seconds) = std::str::from_utf8(parameter).ok()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| seconds.trim().parse().ok())?
    });
    timeouts.next().map(Duration::from_secs)
}
