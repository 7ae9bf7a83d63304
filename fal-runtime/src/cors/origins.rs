//! The origins of the pages that may call an app.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origins {
    Any,
    Only(&'static [&'static str]),
}

/// What is wrong with an origin, unless a browser writes it like this in the header `origin`: scheme, `://`, host, and a port that
/// is not the scheme's default.
pub(super) const fn mistake(origin: &[u8]) -> Option<&'static str> {
    let (scheme, rest) = split_at_colon(origin);
    let [b':', b'/', b'/', rest @ ..] = rest else { return Some(NO_ORIGIN) };
    if scheme.is_empty() {
        return Some(NO_ORIGIN);
    }
    if has_upper_case(origin) {
        return Some("invalid origin: browsers send it in lower case, so write it so");
    }
    let (host, port) = match rest {
        [b'[', inside @ ..] => split_after_bracket(inside),
        _ => split_at_colon(rest),
    };
    if host.is_empty() || !is_host(scheme) || !is_host(host) {
        return Some(NO_ORIGIN);
    }
    match port {
        [] => None,
        [b':', digits @ ..] => match parse_port(digits) {
            None => Some("invalid port of an origin: write a number from 1 to 65535, or remove the colon"),
            Some(80) if matches!(scheme, b"http") => Some(DEFAULT_PORT),
            Some(443) if matches!(scheme, b"https") => Some(DEFAULT_PORT),
            Some(_) => None,
        },
        _ => Some(NO_ORIGIN),
    }
}

const NO_ORIGIN: &str = "an origin is written `https://host` or `https://host:port`";
const DEFAULT_PORT: &str = "browsers leave out the default port of an origin: remove `:80` or `:443`";

const fn split_at_colon(text: &[u8]) -> (&[u8], &[u8]) {
    let mut length = 0;
    let mut rest = text;
    while let [letter, after @ ..] = rest {
        if *letter == b':' {
            break;
        }
        length += 1;
        rest = after;
    }
    text.split_at(length)
}

/// The address in square brackets, and what follows them. Empty if they are not closed.
const fn split_after_bracket(inside: &[u8]) -> (&[u8], &[u8]) {
    let mut length = 0;
    let mut rest = inside;
    while let [letter, after @ ..] = rest {
        if *letter == b']' {
            return (inside.split_at(length).0, after);
        }
        length += 1;
        rest = after;
    }
    (b"", b"")
}

const fn has_upper_case(mut text: &[u8]) -> bool {
    while let [letter, after @ ..] = text {
        if letter.is_ascii_uppercase() {
            return true;
        }
        text = after;
    }
    false
}

/// Whether all characters may be in a scheme, a name, or an address.
const fn is_host(mut text: &[u8]) -> bool {
    while let [letter, after @ ..] = text {
        if !(letter.is_ascii_alphanumeric() || matches!(*letter, b'-' | b'.' | b'_' | b'+' | b':')) {
            return false;
        }
        text = after;
    }
    true
}

const fn parse_port(mut digits: &[u8]) -> Option<u32> {
    if let [] | [b'0', ..] = digits {
        return None;
    }
    let mut port: u32 = 0;
    while let [digit, after @ ..] = digits {
        if !digit.is_ascii_digit() || port > 6553 {
            return None;
        }
        port = port * 10 + (*digit - b'0') as u32;
        digits = after;
    }
    if port > 65535 { None } else { Some(port) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for origin in [
            "https://app.example.com",
            "http://localhost:3000",
            "https://[::1]:8080",
            "http://[::1]",
            "http://a:443",
            "https://a:80",
            "https://a:65535",
            "chrome-extension://abcdef",
        ] {
            assert_eq!(mistake(origin.as_bytes()), None, "{origin}");
        }
        for (origin, word) in [
            ("", "is written"),
            ("*", "is written"),
            ("app.example.com", "is written"),
            ("https://", "is written"),
            ("://host", "is written"),
            ("https://host/", "is written"),
            ("https://a b", "is written"),
            ("https://ü", "is written"),
            ("https://user@host", "is written"),
            ("https://[::1", "is written"),
            ("https://[::1]x", "is written"),
            ("https://Host", "lower case"),
            ("HTTPS://host", "lower case"),
            ("https://host:443", "default port"),
            ("http://host:80", "default port"),
            ("https://host:", "invalid port"),
            ("https://host:99999", "invalid port"),
            ("https://host:65536", "invalid port"),
            ("https://host:0", "invalid port"),
            ("https://host:080", "invalid port"),
            ("https://host:8x", "invalid port"),
        ] {
            assert!(mistake(origin.as_bytes()).is_some_and(|mistake| mistake.contains(word)), "{origin}");
        }
    }
}
