//! The values of options: how they are parsed, and what the error for an invalid value says.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// The address of the admin interface, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdminAddress {
    Off,
    At(SocketAddr),
}

impl From<AdminAddress> for Option<SocketAddr> {
    fn from(admin: AdminAddress) -> Self {
        match admin {
            AdminAddress::Off => None,
            AdminAddress::At(address) => Some(address),
        }
    }
}

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            text => address(text).map(Self::At).map_err(|error| format!("{error}, or `off`")),
        }
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

/// When a runner enters the rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum AdmitOption {
    FirstPass,
    Ready,
}

impl From<AdmitOption> for crate::Admission {
    fn from(admit: AdmitOption) -> Self {
        match admit {
            AdmitOption::FirstPass => Self::FirstPass,
            AdmitOption::Ready => Self::Ready,
        }
    }
}

/// When a replacement starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ReplaceOption {
    #[value(alias = "beside")]
    StartFirst,
    #[value(alias = "exclusive")]
    StopFirst,
}

impl From<ReplaceOption> for crate::ReplacementStrategy {
    fn from(replace: ReplaceOption) -> Self {
        match replace {
            ReplaceOption::StartFirst => Self::StartFirst,
            ReplaceOption::StopFirst => Self::StopFirst,
        }
    }
}

/// The form of the lines in the host's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormatOption {
    Text,
    Json,
}

/// How a passed check counts while the requests of the runner make no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnStallOption {
    Note,
    Fail,
}

impl From<OnStallOption> for crate::OnStall {
    fn from(on_stall: OnStallOption) -> Self {
        match on_stall {
            OnStallOption::Note => Self::Note,
            OnStallOption::Fail => Self::Fail,
        }
    }
}

/// An IP address and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(8080);
        format!("expected an IP address and a port: write `127.0.0.1:{port}`, or `0.0.0.0:{port}` for every network")
    })
}

/// A whole number from 1.
pub(super) fn count<T: FromStr>(text: &str) -> Result<T, String> {
    let is_zero = text.parse::<u64>() == Ok(0);
    let count = text.parse().ok().filter(|_| !is_zero);
    count.ok_or_else(|| "expected a whole number from 1, such as `3`".to_owned())
}

/// A whole number from 0.
pub(super) fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number, such as `1024`".to_owned())
}

/// A time with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("expected a unit: write `{text}s` for seconds or `{text}ms` for milliseconds"));
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as `500ms`, `15s`, `2m` or `1m 30s`"))
}

/// A time with a unit, longer than zero.
pub(super) fn nonzero_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected a time longer than zero, such as `30s`".to_owned()),
        time => Ok(time),
    }
}

/// Whole seconds with a unit.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let time = duration(text)?;
    u32::try_from(time.as_secs())
        .ok()
        .filter(|_| time.subsec_nanos() == 0)
        .ok_or_else(|| "expected whole seconds, such as `5s` or `2m`".to_owned())
}

/// Whole seconds with a unit, at least one.
pub(super) fn nonzero_seconds(text: &str) -> Result<u32, String> {
    match seconds(text)? {
        0 => Err("expected at least one second, such as `5s`".to_owned()),
        seconds => Ok(seconds),
    }
}

/// A truth value, as environment variables spell it. An empty variable means false.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("expected `true` or `false`".to_owned()),
    }
}

/// The method and path of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HealthRoute {
    pub(super) method: String,
    pub(super) path: String,
}

impl FromStr for HealthRoute {
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
            Err("expected a method and a path: write `GET:/health` or `POST:/health`".to_owned())
        }
    }
}

/// The name and the value of a header.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.trim().to_owned())),
        _ => Err("expected a name and a value: write `x-token: secret`".to_owned()),
    }
}

/// An environment variable of every runner, and its value, in which `{index}` stands for the runner's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EnvOption {
    pub(super) name: String,
    pub(super) value: String,
}

impl FromStr for EnvOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("expected a name and a value, such as `CUDA_VISIBLE_DEVICES={index}`".to_owned()),
        }
    }
}

impl fmt::Display for EnvOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// After how many failed starts in a row the host stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GiveUpOption {
    After(NonZeroU32),
    Never,
}

impl From<GiveUpOption> for crate::GiveUp {
    fn from(give_up: GiveUpOption) -> Self {
        match give_up {
            GiveUpOption::After(failed_starts) => Self::After(failed_starts),
            GiveUpOption::Never => Self::Never,
        }
    }
}

impl FromStr for GiveUpOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            text => count(text).map(Self::After).map_err(|error| format!("{error}, or `never`")),
        }
    }
}

impl fmt::Display for GiveUpOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(failed_starts) => failed_starts.fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

/// The time between two checks, longer than zero.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected a time longer than zero, such as `1s`".to_owned()),
        interval => Ok(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_a_unit() {
        assert_eq!(duration("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn the_error_for_a_bare_number_suggests_a_unit() {
        let error = duration("15").unwrap_err();
        assert!(error.contains("`15s`") && error.contains("`15ms`"), "{error}");
        for text in ["", "soon", "15 parsecs", "-1s"] {
            assert!(duration(text).unwrap_err().contains("write a time such as"), "{text}");
        }
    }

    #[test]
    fn the_interval_of_checks_is_not_zero() {
        assert!(interval("0s").is_err());
        assert_eq!(interval("20ms"), Ok(Duration::from_millis(20)));
    }

    #[test]
    fn fractions_of_a_second_are_rejected() {
        assert_eq!(seconds("2m"), Ok(120));
        assert_eq!(seconds("0s"), Ok(0));
        assert!(seconds("500ms").unwrap_err().contains("whole seconds"));
        assert!(seconds("2000000h").unwrap_err().contains("whole seconds"));
        assert!(nonzero_seconds("0s").unwrap_err().contains("`5s`"));
        assert!(nonzero_duration("0s").unwrap_err().contains("`30s`"));
    }

    #[test]
    fn a_truth_value_has_the_usual_spellings() {
        for (text, is_on) in [("true", true), ("YES", true), ("1", true), ("off", false), ("", false)] {
            assert_eq!(boolean(text), Ok(is_on), "{text}");
        }
        assert!(boolean("maybe").unwrap_err().contains("expected `true` or `false`"));
    }

    #[test]
    fn a_health_check_has_a_method_and_a_path() {
        let call = |text: &str| text.parse::<HealthRoute>().map(|it| (it.method, it.path));
        let is = |method: &str, path: &str| Ok((method.to_owned(), path.to_owned()));
        assert_eq!(call("GET:/health"), is("GET", "/health"));
        assert_eq!(call("/health"), is("POST", "/health"));
        assert_eq!(call("/a:b"), is("POST", "/a:b"));
        for text in ["", "health", "GET:health", "get:/health", ":/health", "GET"] {
            assert!(call(text).unwrap_err().contains("`GET:/health`"), "{text}");
        }
    }

    #[test]
    fn the_error_for_a_port_or_a_host_name_suggests_an_address() {
        for text in ["8080", ":8080", "localhost:8080"] {
            assert!(address(text).unwrap_err().contains("`127.0.0.1:8080`"), "{text}");
        }
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
    }

    #[test]
    fn the_admin_interface_has_an_address_or_is_off() {
        assert_eq!("off".parse(), Ok(AdminAddress::Off));
        assert_eq!("127.0.0.1:0".parse::<AdminAddress>().unwrap().to_string(), "127.0.0.1:0");
        assert!("no".parse::<AdminAddress>().unwrap_err().ends_with("or `off`"));
    }

    #[test]
    fn a_variable_of_every_runner_has_a_name_and_a_value() {
        let variable: EnvOption = "A=b={index}".parse().unwrap();
        assert_eq!((variable.name.as_str(), variable.value.as_str()), ("A", "b={index}"));
        for text in ["", "A", "=b"] {
            assert!(
                text.parse::<EnvOption>().unwrap_err().contains("`CUDA_VISIBLE_DEVICES={index}`"),
                "{text}"
            );
        }
    }
}
