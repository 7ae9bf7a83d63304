//! The origins of the pages that may call an app.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origins {
    Any,
    Only(&'static [&'static str]),
}

/// Whether a text is a scheme, `://` and a host, and nothing else.
pub(super) const fn is_origin(text: &[u8]) -> bool {
    let mut rest = text;
    let mut has_scheme = false;
    let mut length = 0;
    loop {
        rest = match rest {
            [] => return has_scheme && length > 0,
            [b':', b'/', b'/', after @ ..] if !has_scheme && length > 0 => {
                has_scheme = true;
                length = 0;
                after
            }
            [b'/' | b'?' | b'#' | b'*' | b'@', ..] => return false,
            [letter, after @ ..] if letter.is_ascii_graphic() => {
                length += 1;
                after
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for origin in ["https://app.example.com", "http://localhost:3000", "https://[::1]:8080"] {
            assert!(is_origin(origin.as_bytes()), "{origin}");
        }
        for other in
            ["", "*", "app.example.com", "https://", "://host", "https://host/", "https://a b", "https://ü"]
        {
            assert!(!is_origin(other.as_bytes()), "{other}");
        }
    }
}
