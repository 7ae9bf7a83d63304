//! The normal form of a path: percent-encoded only where it must be (RFC 3986, 6.2.2).

use http::Uri;

/// The URI with the normal form of its path. `None` if it has that form already.
pub(crate) fn normal_uri(uri: &Uri) -> Option<Uri> {
    let path = normalize(uri.path())?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// The normal form of a path that has another form. `%79` is `y`, and `%c3` is `%C3`.
pub(crate) fn normalize(path: &str) -> Option<String> {
    if !path.contains('%') {
        return None;
    }
    let mut parts = path.split('%');
    let mut normal = parts.next()?.to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, part.get(2..)) {
            (Some(byte), Some(rest)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
                normal.push_str(rest);
            }
            (Some(_), Some(rest)) => {
                normal.push('%');
                normal.push_str(&digits.unwrap_or_default().to_ascii_uppercase());
                normal.push_str(rest);
            }
            // Not encoded.
            _ => {
                normal.push('%');
                normal.push_str(part);
            }
        }
    }
    (normal != path).then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_characters_are_decoded_and_digits_are_in_upper_case() {
        for (path, normal) in [
            ("/s%79nc", Some("/sync")),
            ("/caf%c3%a9", Some("/caf%C3%A9")),
            ("/a%2fb", Some("/a%2Fb")),
            ("/%7euser%2D1", Some("/~user-1")),
            ("/caf%C3%A9", None),
            ("/a%2Fb", None),
            ("/100%", None),
            ("/%zz%", None),
            ("/%é", None),
            ("/plain", None),
        ] {
            assert_eq!(normalize(path).as_deref(), normal, "{path}");
        }
    }
}
