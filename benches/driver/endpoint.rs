//! What an endpoint costs: an app of fal-runtime beside plain axum and plain hyper.

use std::process::Stdio;

use anyhow::{Context, Result};
use fal_health::protocol::Address;
use tempfile::TempDir;

use crate::child::Child;
use crate::contender::{Contender, Workload};
use crate::hop::REQUESTS;
use crate::programs;
use crate::rounds::Rounds;
use crate::servers::{Backend, runner, wait_until_ready};
use crate::table::{Limit, table};

const AXUM: &str = "axum";
const APP: &str = "fal-runtime";

/// The servers on one core, the clients on the other.
pub(crate) fn compare(rounds: &Rounds) -> Result<String> {
    let contenders = [server(AXUM, "axum")?, server("hyper", "hyper")?, app()?];
    let load = Workload { title: "32 clients, 28-byte requests, without a proxy", ..REQUESTS };
    let all = rounds.run(&contenders, &load, "1")?;
    Ok(table(&load, &all, &[Limit { of: APP, to: AXUM, at_most: 1.05 }]))
}

fn server(name: &'static str, peer: &str) -> Result<Contender> {
    let directory = TempDir::new()?;
    let address = Address::Unix(directory.path().join("socket"));
    let mut command = programs::own("bench-peer")?;
    command.arg(peer).arg(address.to_string());
    contender(name, Child::start(&command, "0", Stdio::null())?, address, directory)
}

fn app() -> Result<Contender> {
    let directory = TempDir::new()?;
    let (server, address) = runner(Backend::Unix, directory.path(), "0")?;
    contender(APP, server, address, directory)
}

fn contender(name: &'static str, server: Child, address: Address, directory: TempDir) -> Result<Contender> {
    wait_until_ready(&address).with_context(|| format!("{name} does not answer"))?;
    let measured = vec![server.pid()];
    Ok(Contender { name, address, measured, _children: vec![server], _directory: directory })
}
