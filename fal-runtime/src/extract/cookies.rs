//! Extracts cookies into a struct.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::deserializer::{Part, Texts};
use super::parameter_types::ParameterTypes;
use super::rejection::ParameterRejection;

/// Cookies, as the fields of a struct.
///
/// A value is text, a number, a boolean, an enum without data, or a list of them, as it stands in the `cookie` header
/// (RFC 6265), without the double quotes that may be around it. A list takes every cookie of its name, any other field
/// the first one. An `Option` or a field with a default may be left out. A missing or invalid cookie is answered with
/// status 422.
///
/// ```
/// use fal_runtime::extract::Cookies;
/// use fal_runtime::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Session {
///     visits: Option<u32>,
/// }
///
/// #[derive(Default)]
/// struct Counter;
///
/// #[app]
/// impl Counter {
///     #[endpoint("/")]
///     async fn visit(&self, Cookies(session): Cookies<Session>, response: &mut ResponseHead) -> Result<u32> {
///         let visits = session.visits.unwrap_or_default().saturating_add(1);
///         response.set_header("set-cookie", format_args!("visits={visits}"));
///         Ok(visits)
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cookies<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Cookies<T> {
    type Rejection = ParameterRejection;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, ParameterRejection> {
        let find = |name: &str| find(&request.headers, name);
        let types = ParameterTypes::of(request, "cookie");
        Part { name: "cookie", spell: |name| name.into(), texts: Texts::ByField(&find), types }
            .read()
            .map(Self)
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    pairs(headers).filter(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value).collect()
}

/// The names and values of all cookies.
pub(crate) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs =
        headers.get_all(COOKIE).into_iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        Some((name, unquoted(value.strip_prefix(b"=")?)))
    })
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_in_any_header() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("session_id=1; theme=\"dark\";  empty="));
        headers.append(COOKIE, HeaderValue::from_static("session=a=b"));
        let find = |name| find(&headers, name).first().map(|value| str::from_utf8(value).unwrap());
        assert_eq!(find("session"), Some("a=b"));
        assert_eq!(find("session_id"), Some("1"));
        assert_eq!(find("theme"), Some("dark"));
        assert_eq!(find("empty"), Some(""));
        assert_eq!(find("id"), None);
    }
}
