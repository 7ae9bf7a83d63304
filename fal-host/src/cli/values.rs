//! What options look like on the command line, and what is said of one that looks otherwise.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Whether there is an admin interface, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admin {
    Off,
    At(SocketAddr),
}

impl From<Admin> for Option<SocketAddr> {
    fn from(admin: Admin) -> Self {
        match admin {
            Admin::Off => None,
            Admin::At(address) => Some(address),
        }
    }
}

impl FromStr for Admin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            text => address(text).map(Self::At).map_err(|error| format!("{error}, or `off`")),
        }
    }
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

/// When a replacement starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Replace {
    Beside,
    Exclusive,
}

impl From<Replace> for crate::Replacement {
    fn from(replace: Replace) -> Self {
        match replace {
            Replace::Beside => Self::Beside,
            Replace::Exclusive => Self::Exclusive,
        }
    }
}

/// What a pass is while the requests of its runner stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnStall {
    Note,
    Fail,
}

impl From<OnStall> for crate::OnStall {
    fn from(on_stall: OnStall) -> Self {
        match on_stall {
            OnStall::Note => Self::Note,
            OnStall::Fail => Self::Fail,
        }
    }
}

/// An IP address and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(8080);
        format!("write an IP address and a port: `127.0.0.1:{port}`, or `0.0.0.0:{port}` for every network")
    })
}

/// A number from 1.
pub(super) fn count<T: FromStr>(text: &str) -> Result<T, String> {
    let is_zero = text.parse::<u64>() == Ok(0);
    let count = text.parse().ok().filter(|_| !is_zero);
    count.ok_or_else(|| "write a whole number from 1, such as `3`".to_owned())
}

/// A number from 0.
pub(super) fn length(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a whole number, such as `1024`".to_owned())
}

/// A time with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "a number needs a unit: write `{text}s` for seconds or `{text}ms` for milliseconds"
        ));
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}: write a time such as `500ms`, `15s`, `2m` or `1m 30s`"))
}

/// A time with its unit that is not zero.
pub(super) fn some_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it would be over at once: write a time such as `30s`".to_owned()),
        time => Ok(time),
    }
}

/// A time of whole seconds.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let time = duration(text)?;
    u32::try_from(time.as_secs())
        .ok()
        .filter(|_| time.subsec_nanos() == 0)
        .ok_or_else(|| "it is counted in whole seconds: write a time such as `5s` or `2m`".to_owned())
}

/// A time of whole seconds, one at least.
pub(super) fn some_seconds(text: &str) -> Result<u32, String> {
    match seconds(text)? {
        0 => Err("it would be over at once: write a time such as `5s`".to_owned()),
        seconds => Ok(seconds),
    }
}

/// Whether something is on, as variables say it; an empty one is none.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

/// How a health check is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
}

impl FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (method, path) = match text.split_once(':') {
            Some((method, path)) if !method.contains('/') => (method, path),
            _ => ("POST", text),
        };
        let is_method = !method.is_empty() && method.bytes().all(|letter| letter.is_ascii_uppercase());
        if is_method && path.starts_with('/') {
            Ok(Self { method: method.to_owned(), path: path.to_owned() })
        } else {
            Err("write a method and a path: `GET:/health`, or `POST:/health`".to_owned())
        }
    }
}

/// The distance between two checks: a time with its unit that is not zero.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("checks need a distance from each other: write a time such as `1s`".to_owned()),
        interval => Ok(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_bare_number_is_answered_with_what_to_write() {
        let error = duration("15").unwrap_err();
        assert!(error.contains("`15s`") && error.contains("`15ms`"), "{error}");
        for text in ["", "soon", "15 parsecs", "-1s"] {
            assert!(duration(text).unwrap_err().contains("write a time"), "{text}");
        }
    }

    #[test]
    fn checks_are_not_made_without_a_pause() {
        assert!(interval("0s").is_err());
        assert_eq!(interval("20ms"), Ok(Duration::from_millis(20)));
    }

    #[test]
    fn what_is_counted_in_whole_seconds_is_told_in_them() {
        assert_eq!(seconds("2m"), Ok(120));
        assert_eq!(seconds("0s"), Ok(0));
        assert!(seconds("500ms").unwrap_err().contains("whole seconds"));
        assert!(seconds("2000000h").unwrap_err().contains("whole seconds"));
        assert!(some_seconds("0s").unwrap_err().contains("`5s`"));
        assert!(some_duration("0s").unwrap_err().contains("`30s`"));
    }

    #[test]
    fn a_switch_is_on_or_off_and_nothing_else() {
        for (text, is_on) in [("true", true), ("YES", true), ("1", true), ("off", false), ("", false)] {
            assert_eq!(switch(text), Ok(is_on), "{text}");
        }
        assert!(switch("maybe").unwrap_err().contains("`true` or `false`"));
    }

    #[test]
    fn a_health_check_is_a_method_and_a_path() {
        let call = |text: &str| text.parse::<Call>().map(|it| (it.method, it.path));
        let is = |method: &str, path: &str| Ok((method.to_owned(), path.to_owned()));
        assert_eq!(call("GET:/health"), is("GET", "/health"));
        assert_eq!(call("/health"), is("POST", "/health"));
        assert_eq!(call("/a:b"), is("POST", "/a:b"));
        for text in ["", "health", "GET:health", "get:/health", ":/health", "GET"] {
            assert!(call(text).unwrap_err().contains("`GET:/health`"), "{text}");
        }
    }

    #[test]
    fn a_port_or_a_name_alone_is_answered_with_what_to_write() {
        for text in ["8080", ":8080", "localhost:8080"] {
            assert!(address(text).unwrap_err().contains("`127.0.0.1:8080`"), "{text}");
        }
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
    }

    #[test]
    fn the_admin_interface_has_an_address_or_is_off() {
        assert_eq!("off".parse(), Ok(Admin::Off));
        assert_eq!("127.0.0.1:0".parse::<Admin>().unwrap().to_string(), "127.0.0.1:0");
        assert!("no".parse::<Admin>().unwrap_err().ends_with("or `off`"));
    }
}
