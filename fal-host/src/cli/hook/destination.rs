//! Where events are delivered.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

/// A command, which gets each event on its standard input, or a URL, to which each event is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum EventHook {
    /// A command line of `sh`.
    Command(String),
    Url(HttpUrl),
}

/// A URL with the scheme `http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct HttpUrl {
    pub(super) authority: Authority,
    /// The path with the query.
    pub(super) target: String,
}

impl FromStr for EventHook {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("expected a command such as `logger -t my-app`, or a URL that begins with `http://`"
                .to_owned());
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http") => HttpUrl::parse(text).map(Self::Url),
            Some("https") => Err(format!(
                "the host posts events without TLS only; use a command instead: `curl --fail --silent --show-error --header \
                 content-type:application/json --data-binary @- {text}`"
            )),
            _ => Ok(Self::Command(text.to_owned())),
        }
    }
}

impl HttpUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected a URL such as `http://127.0.0.1:8000/events`";
        let uri: Uri = text.parse().map_err(|error| format!("{error}; {expected}"))?;
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err("a user name in a URL is not supported: use a command, such as `curl --user`".to_owned())
            }
            Some(authority) if !authority.host().is_empty() => {
                let target = uri.path_and_query().map_or("/", |target| target.as_str());
                Ok(Self { authority: authority.clone(), target: target.to_owned() })
            }
            _ => Err(format!("the URL has no host; {expected}")),
        }
    }
}

/// Without what may be secret: the arguments of a command, and the path of a URL.
impl fmt::Display for EventHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => {
                f.write_str(command.split_whitespace().next().unwrap_or_default())?;
                if command.split_whitespace().nth(1).is_some() { f.write_str(" …") } else { Ok(()) }
            }
            Self::Url(url) if url.target == "/" => write!(f, "http://{}/", url.authority),
            Self::Url(url) => write!(f, "http://{}/…", url.authority),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_a_command_or_a_url_of_http_s86b() {
        let command: EventHook = "logger -t fal".parse().unwrap();
        assert_eq!(command, EventHook::Command("logger -t fal".to_owned()));
        let EventHook::Url(url) = "HTTP://127.0.0.1:8000/events?x=1".parse().unwrap() else { panic!() };
        assert_eq!((url.authority.as_str(), url.target.as_str()), ("127.0.0.1:8000", "/events?x=1"));
        for (wrong, words) in [
            ("", "a command such as"),
            ("https://example.com/x", "--data-binary @- https://example.com/x"),
            ("http://", "http://127.0.0.1:8000/events"),
            ("http://:80/", "has no host"),
            ("http://me:secret@host/", "--user"),
        ] {
            let error = wrong.parse::<EventHook>().unwrap_err();
            assert!(error.contains(words) && !error.contains("secret"), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_is_shown_of_a_hook_has_no_secrets_s86b() {
        for (hook, shown) in [
            ("logger", "logger"),
            ("curl -H 'authorization: Bearer x'", "curl …"),
            ("http://host:1/hooks/secret", "http://host:1/…"),
            ("http://host:1", "http://host:1/"),
        ] {
            assert_eq!(hook.parse::<EventHook>().unwrap().to_string(), shown);
        }
    }
}
