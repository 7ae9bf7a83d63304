//! The path of an endpoint: validates it and finds its parameters.

use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use crate::errors::Errors;

/// A validated path.
pub(crate) struct RoutePath {
    pub(crate) literal: LitStr,
    pub(crate) parameters: usize,
    /// Equal for paths that match the same requests: the names of parameters do not count.
    pub(crate) hash: u64,
}

impl RoutePath {
    pub(crate) fn from_literal(literal: LitStr, errors: &mut Errors) -> Option<Self> {
        let path = literal.value();
        if let Err(message) = validate(&path) {
            errors.push(&literal, message);
            return None;
        }
        let shape: Vec<_> =
            path.split('/').map(|segment| parameter(segment).map_or(segment, |_| "{}")).collect();
        let parameters = shape.iter().filter(|segment| **segment == "{}").count();
        Some(Self { parameters, hash: fnv1a(&shape.join("/")), literal })
    }

    /// Whether the other is the same path with other names of its parameters.
    pub(crate) fn is_renamed(&self, other: &Self) -> bool {
        self.hash == other.hash && self.literal.value() != other.literal.value()
    }
}

/// Returns the message for an invalid path.
fn validate(path: &str) -> Result<(), String> {
    let Some(segments) = path.strip_prefix('/') else {
        let path =
            path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').unwrap_or_default().1);
        return Err(format!("a path must start with `/`: write \"/{path}\""));
    };
    if path.contains("//") {
        return Err("empty path segment: write one `/` instead of two".into());
    }
    let mut parameters = Vec::new();
    for segment in segments.split('/') {
        if let Some(name) = segment.strip_prefix([':', '*']) {
            return Err(format!("invalid path parameter `{segment}`: write `{{{name}}}`"));
        }
        if let Some(name) = parameter(segment) {
            if let Some(name) = name.strip_prefix('*') {
                return Err(format!("a path parameter matches one segment: write `{{{name}}}` without `*`"));
            }
            if name == "_" || name.starts_with("r#") || Ident::parse_any.parse_str(name).is_err() {
                return Err(format!(
                    "invalid path parameter `{{{name}}}`: write an identifier in braces, such as `{{id}}`"
                ));
            }
            if parameters.contains(&name) {
                return Err(format!("duplicate path parameter `{name}`: rename one of the two"));
            }
            parameters.push(name);
        } else if segment.contains(['{', '}']) {
            return Err(format!(
                "invalid path segment `{segment}`: a parameter must be the whole segment, so write `{{name}}`"
            ));
        } else if let Some(other) = segment.chars().find(|letter| !is_path_character(*letter)) {
            let encoded: Vec<_> =
                other.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect();
            let encoded = encoded.concat();
            return Err(format!("invalid character `{other}` in the path: write `{encoded}`, or remove it"));
        }
    }
    Ok(())
}

/// The name in `{name}`.
fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a path may contain the character: `pchar` of RFC 3986, or the percent sign of an encoded one.
fn is_path_character(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%".contains(letter)
}

/// The 64-bit FNV-1a hash: the same on every platform and in every build.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(path: &str) -> u64 {
        let mut errors = Errors::default();
        let literal = LitStr::new(path, proc_macro2::Span::call_site());
        RoutePath::from_literal(literal, &mut errors).expect("the path is valid").hash
    }

    #[test]
    fn paths_that_match_the_same_requests_have_the_same_hash_s2e() {
        assert_eq!(hash("/users/{id}"), hash("/users/{name}"));
        assert_ne!(hash("/users/{id}"), hash("/users/id"));
        assert_ne!(hash("/users"), hash("/users/"));
        assert_ne!(hash("/a/b"), hash("/ab"));
    }

    #[test]
    fn an_invalid_path_is_rejected_with_what_to_write_s2b() {
        for (path, message) in [
            ("", "a path must start with `/`: write \"/\""),
            ("https://example.com/v1/", "a path must start with `/`: write \"/v1/\""),
            ("health", "a path must start with `/`: write \"/health\""),
            ("/users/:id", "invalid path parameter `:id`: write `{id}`"),
            ("/users/{*rest}", "a path parameter matches one segment: write `{rest}` without `*`"),
            ("/users/{}", "invalid path parameter `{}`: write an identifier in braces, such as `{id}`"),
            ("/users/{_}", "invalid path parameter `{_}`: write an identifier in braces, such as `{id}`"),
            ("/users/{a b}", "invalid path parameter `{a b}`: write an identifier in braces, such as `{id}`"),
            ("/{id}/{id}", "duplicate path parameter `id`: rename one of the two"),
            ("/a//b", "empty path segment: write one `/` instead of two"),
            ("//", "empty path segment: write one `/` instead of two"),
            (
                "/user-{id}",
                "invalid path segment `user-{id}`: a parameter must be the whole segment, so write `{name}`",
            ),
            ("/a b", "invalid character ` ` in the path: write `%20`, or remove it"),
            ("/a?b", "invalid character `?` in the path: write `%3F`, or remove it"),
            ("/größe", "invalid character `ö` in the path: write `%C3%B6`, or remove it"),
        ] {
            assert_eq!(validate(path), Err(message.into()), "{path}");
        }
    }

    #[test]
    fn a_valid_path_is_accepted() {
        for path in ["/", "/health", "/v1/users/{id}/posts/{post}", "/{type}/{self}", "/a/", "/%7Ea/b.c~d:e"]
        {
            assert_eq!(validate(path), Ok(()), "{path}");
        }
    }
}
