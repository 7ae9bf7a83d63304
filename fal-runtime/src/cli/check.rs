//! The subcommand `check`: probes this app in the same container, for a `HEALTHCHECK`, or checks one runner of its host.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

#[cfg(feature = "host")]
use super::select;
use super::values;
use crate::error::{Error, Result};

/// How long the answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// Check this runner instead: its id, as `runners` and the log have it
    #[cfg(feature = "host")]
    #[arg(value_name = "ID", conflicts_with_all = ["probes", "ready"])]
    pub(super) runner: Option<u64>,

    #[cfg(feature = "host")]
    #[command(flatten)]
    pub(super) target: fal_host::cli::Target,

    /// The address of the probes, as `run` and `serve` have it
    #[arg(long, value_name = "ADDRESS", env = "FAL_PROBES", default_value = "127.0.0.1:9091", value_parser = values::address)]
    pub(super) probes: SocketAddr,

    /// Fail also if it takes no requests
    #[arg(long)]
    pub(super) ready: bool,
}

/// Checks a runner, or asks `/healthz` or `/readyz` of the probes. The error says what the answer was.
pub(super) fn check(options: &CheckOptions) -> Result<ExitCode> {
    #[cfg(feature = "host")]
    if let Some(runner) = options.runner {
        return Ok(fal_host::cli::check(&options.target.clone().of_apps(select::names()), runner)?);
    }
    let page = if options.ready { "/readyz" } else { "/healthz" };
    let address = reachable(options.probes);
    let failed = |what: String| Error::msg(format!("GET http://{address}{page}: {what}"));
    let status = status(address, page).map_err(|error| {
        failed(format!(
            "{error}; start the app with `--probes {address}`, or name its address with `--probes`"
        ))
    })?;
    if status.contains(" 200 ") {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(failed(format!("expected 200, got {status}")))
    }
}

/// The first line of the response.
fn status(address: SocketAddr, page: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {page} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

/// An address of this machine in the place of all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
