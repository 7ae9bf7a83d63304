//! The path of the health endpoint, and how a client's path is compared with it.

/// The path of the health endpoint.
///
/// A server may take `/%68ealth`, `//health` or `/Health/` for `/health`. A response to any such path counts as one of the
/// health endpoint, because it must not ask for a check (S28b).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthPath {
    /// As declared, without its query.
    declared: String,
    normalized: Vec<u8>,
}

impl HealthPath {
    /// Takes a declared path. It may have a query, which does not count.
    pub(crate) fn new(path: &str) -> Self {
        let declared = path.split('?').next().unwrap_or_default().to_owned();
        Self { normalized: normalize(&declared), declared }
    }

    /// Whether a client's path is this one, in any spelling. Most paths are compared without an allocation.
    pub(super) fn is_named_by(&self, path: &str) -> bool {
        path == self.declared
            || if is_normal(path.as_bytes()) {
                path.as_bytes() == self.normalized
            } else {
                path.len() >= self.normalized.len() && normalize(path) == self.normalized
            }
    }
}

/// Whether a path is certainly its own normal form.
fn is_normal(path: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/');
    path.iter().all(is_plain) && !path.ends_with(b"/") && !path.windows(2).any(|pair| pair == b"//")
}

/// Decodes a path, resolves its dot segments, and leaves out empty segments, parameters and letter case.
fn normalize(path: &str) -> Vec<u8> {
    let decoded = decode(path.as_bytes());
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
        let ends = |byte: &u8| matches!(byte, b';' | b'?' | b'#' | 0);
        match segment.split(ends).next().unwrap_or_default() {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    segments
        .iter()
        .flat_map(|segment| [b"/", *segment].concat())
        .map(|byte| byte.to_ascii_lowercase())
        .collect()
}

/// Replaces percent-encoded bytes, and those that this makes: some servers decode twice.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = path.to_vec();
    let mut at = 0;
    while let Some(rest) = decoded.get(at..) {
        match rest {
            [] => break,
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                let byte =
                    str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                decoded.splice(at..at + 3, byte);
                // The byte may complete another code that begins up to two bytes before it.
                at = at.saturating_sub(2);
            }
            _ => at += 1,
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_health_path_names_it_s28b() {
        let health = HealthPath::new("/health?deep=1");
        for path in [
            "/health",
            "/health/",
            "//health",
            "/%68ealth",
            "/%2568ealth",
            "/%25%36%38ealth",
            "/./health",
            "/a/../health",
            "/a/%2e%2e/health",
            "/HEALTH",
            "/health;v=1",
            "/health%00",
            "/%2fhealth",
            "/\\health",
        ] {
            assert!(health.is_named_by(path), "{path}");
        }
        for path in ["/", "/healthy", "/a/health", "/health/a", "/health%", "/healt", "/%zz", "*"] {
            assert!(!health.is_named_by(path), "{path}");
        }
        assert!(HealthPath::new("/").is_named_by("//"));
        assert!(HealthPath::new("/API/Health/").is_named_by("/api/health"));
        assert!(HealthPath::new("/API/Health/").is_named_by("/API/Health/"));
    }
}
