//! Masks secrets in text that is shown to people.

use std::borrow::Cow;

/// The replacement of a secret.
const MASK: &str = "***";

/// Parts of the names of secret settings. A hook may be a command with a password, or a URL with a secret path.
const SECRET_NAMES: [&str; 9] = [
    "secret",
    "token",
    "password",
    "passwd",
    "credential",
    "api_key",
    "private_key",
    "access_key",
    "on_event",
];

/// A setting's value without secrets. The whole value is masked if the name says that it is secret, and otherwise the
/// user and password of URLs.
pub(super) fn masked<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    let name = name.to_lowercase().replace('-', "_");
    if SECRET_NAMES.iter().any(|secret| name.contains(secret)) {
        return MASK.into();
    }
    without_users(value)
}

/// Masks the user and password of every URL `scheme://user:password@host` in a text.
pub(super) fn without_users(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    let authority = rest.find(|letter: char| "/?# '\"".contains(letter)).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(authority);
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(_, host)| (MASK, host));
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{host}{}", without_users(after)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_with_the_name_of_a_secret_is_masked() {
        for name in ["FAL_TOKEN", "admin-password", "AWS_SECRET_ACCESS_KEY", "api-key", "on-event"] {
            assert_eq!(masked(name, "hunter2"), "***", "{name}");
        }
        assert_eq!(masked("check_interval", "15s"), "15s");
    }

    #[test]
    fn the_user_and_password_of_a_url_are_masked() {
        assert_eq!(masked("url", "redis://me:hunter2@db:6379/0?a@b"), "redis://***@db:6379/0?a@b");
        assert_eq!(without_users("a://b@c, d://e:f@g"), "a://***@c, d://***@g");
        assert_eq!(without_users("http://127.0.0.1:80/a@b"), "http://127.0.0.1:80/a@b");
    }
}
