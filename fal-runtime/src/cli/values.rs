//! The values of the options of `serve`: how they are parsed, and what the error for an invalid value says.

use std::net::SocketAddr;
use std::time::Duration;

use fal_health::protocol::ListenAddress;

/// Where a runner listens: `tcp:HOST:PORT`, `unix:PATH`, or an IP address and a port, as `run` takes it.
pub(super) fn listen_address(text: &str) -> Result<ListenAddress, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => text.parse().map_err(|error: fal_health::protocol::AddressError| error.to_string()),
    }
}

/// An IP address and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(9091);
        format!("expected an IP address and a port: write `127.0.0.1:{port}`, or `0.0.0.0:{port}` for every network")
    })
}

/// A time with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("expected a unit: write `{text}s` for seconds or `{text}ms` for milliseconds"));
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as `500ms`, `15s`, `2m` or `1m 30s`"))
}

/// A truth value, as environment variables spell it. An empty variable means false.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("expected `true` or `false`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_listens_on_an_address_as_run_takes_it_too() {
        assert_eq!(listen_address("0.0.0.0:80").unwrap().to_string(), "tcp:0.0.0.0:80");
        assert_eq!(listen_address("unix:/run/a").unwrap().to_string(), "unix:/run/a");
        assert!(listen_address("8080").unwrap_err().contains("tcp:HOST:PORT"));
    }

    #[test]
    fn the_error_for_an_invalid_value_says_what_to_write() {
        assert!(duration("5").unwrap_err().contains("`5s`"));
        assert!(duration("soon").unwrap_err().contains("write a time such as"));
        assert!(address(":80").unwrap_err().contains("`127.0.0.1:80`"));
        assert!(boolean("maybe").unwrap_err().contains("`true`"));
    }
}
