//! Which fields a proxy treats specially, by their names. All names here are in lower case.

/// Whether a field concerns one connection and not the message (RFC 9110, 7.6.1). `trailer` does not.
pub(super) fn is_hop_by_hop(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "transfer-encoding" | "upgrade" | "http2-settings")
        || name.starts_with("proxy-")
}

/// Whether a field says for whom a request is forwarded.
pub(super) fn is_forwarding(name: &str) -> bool {
    matches!(name, "forwarded" | "x-real-ip") || name.starts_with("x-forwarded-")
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

/// Whether a name is read as one of the fields above by servers that take `_` for `-`, such as those behind CGI and WSGI.
pub(super) fn is_alias(name: &str) -> bool {
    name.contains('_') && {
        let name = name.replace('_', "-");
        is_protected(&name) || is_hop_by_hop(&name)
    }
}

/// Whether a proxy may treat a field specially: false only for fields that pass as they are, in requests and in responses.
/// Most messages have no other, and this asks once for all.
pub(super) fn is_special(name: &str) -> bool {
    let is_listed = match name.as_bytes().first() {
        Some(b'c' | b'e' | b'h' | b'k' | b'p' | b't' | b'u') => {
            matches!(name, "expect" | "trailer") || is_hop_by_hop(name)
        }
        Some(b'f') => is_forwarding(name),
        Some(b'x') => name.starts_with("x-fal-") || is_forwarding(name),
        _ => false,
    };
    // Without a branch for each byte.
    is_listed || name.bytes().fold(0, |found, byte| found | u8::from(byte == b'_')) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_underscores_is_an_alias_of_a_field_that_is_not_the_clients_s45f() {
        for name in
            ["x_forwarded_for", "x-forwarded_for", "x_fal_request_id", "transfer_encoding", "content_length"]
        {
            assert!(is_alias(name), "{name}");
        }
        for name in ["x-forwarded-for", "my_field", "x_own", "_"] {
            assert!(!is_alias(name), "{name}");
        }
    }

    #[test]
    fn every_field_that_a_proxy_removes_or_reads_is_special() {
        for name in [
            "connection",
            "expect",
            "forwarded",
            "http2-settings",
            "keep-alive",
            "proxy-authorization",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-fal-runner-health-check",
            "x-fal-request-id",
            "x-forwarded-for",
            "x-real-ip",
            "x_real_ip",
            "content_length",
        ] {
            assert!(is_special(name), "{name}");
        }
        for name in ["accept", "content-length", "content-type", "host", "user-agent", "x-own"] {
            assert!(!is_special(name), "{name}");
        }
    }
}
