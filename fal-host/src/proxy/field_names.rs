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
}
