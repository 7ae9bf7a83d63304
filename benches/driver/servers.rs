//! The servers and hosts that several measurements start.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fal_health::protocol::Address;

use crate::child::Child;
use crate::programs;

/// How long a program may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How a proxy talks to its runner.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Backend {
    Unix,
    Tcp,
}

/// A runner without a host on these cores, and where it listens.
pub(crate) fn runner(backend: Backend, directory: &Path, cores: &str) -> Result<(Child, Address)> {
    let address = match backend {
        Backend::Unix => Address::Unix(directory.join("runner.sock")),
        Backend::Tcp => Address::Tcp(free_address()?),
    };
    let mut command = programs::own("bench-app")?;
    command.args(["serve", "--listen", &address.to_string()]).env("FAL_LOG", "warn");
    Ok((Child::start(&command, cores, Stdio::null())?, address))
}

/// A server that answers and counts checks, on these cores, and its Unix socket.
pub(crate) fn health(directory: &Path, cores: &str) -> Result<(Child, PathBuf)> {
    let socket = directory.join("health.sock");
    let mut command = programs::beside("bench-peer")?;
    command.arg("health").arg(Address::Unix(socket.clone()).to_string());
    let server = Child::start(&command, cores, Stdio::null())?;
    let deadline = Instant::now() + START_TIMEOUT;
    while !socket.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok((server, socket))
}

/// A prober of plain hyper, and a host of this project: programs that make checks.
pub(crate) const PROBER: [&str; 2] = ["bench-peer", "prober"];
pub(crate) const HOST_OF_MANY: [&str; 2] = ["bench-app", "many-runners"];

/// A program that checks this server as so many runners, each every so many milliseconds.
pub(crate) fn making_checks(words: [&str; 2], socket: &Path, numbers: [&str; 2]) -> Result<Command> {
    let [program, subcommand] = words;
    let mut command = programs::own(program)?;
    command.arg(subcommand).arg(socket).args(numbers);
    Ok(command)
}

/// Several hosts run at the same time, so their admin interfaces cannot all have the default port.
const ANY_PORT: &str = "127.0.0.1:0";

/// The host of the app itself, which talks to its runner over a Unix socket.
pub(crate) fn app_host(listen: SocketAddr) -> Result<Command> {
    let mut command = programs::own("bench-app")?;
    command.args(["run", "--listen", &listen.to_string(), "--admin", ANY_PORT]);
    Ok(command)
}

/// The program `fal-host`, which starts servers of any kind and talks to them over TCP.
pub(crate) fn fal_host(listen: SocketAddr) -> Result<Command> {
    let mut command = programs::own("fal-host")?;
    command.args(["--listen", &listen.to_string(), "--admin", ANY_PORT, "--max-multiplexing", "4096"]);
    command.args(["--health", "/health", "--", "sh", "-c"]);
    let app = programs::own("bench-app")?;
    let server = format!("exec {} serve --listen tcp:127.0.0.1:$PORT", app.get_program().display());
    command.arg(server);
    Ok(command)
}

/// A hop of plain hyper, which talks to its runner over a Unix socket.
pub(crate) fn hyper_hop(listen: SocketAddr, to: &Address) -> Result<Command> {
    let Address::Unix(path) = to else { bail!("{to} is not a Unix socket") };
    let mut command = programs::own("bench-peer")?;
    command.arg("hop").arg(Address::Tcp(listen).to_string()).arg(path);
    Ok(command)
}

/// Waits until a server answers a request.
pub(crate) fn wait_until_ready(address: &Address) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let mut load = programs::beside("bench-load")?;
        load.arg(address.to_string()).args(["--connections", "1", "--requests", "1"]);
        match load.output()? {
            output if output.status.success() => return Ok(()),
            output if Instant::now() > deadline => {
                bail!("nothing answers at {address}: {}", String::from_utf8_lossy(&output.stderr))
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// An address whose port is free at the moment.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
