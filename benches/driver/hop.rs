//! What forwarding costs: `fal-host` beside HAProxy, nginx and a hop of plain hyper.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use fal_health::protocol::Address;
use tempfile::TempDir;

use crate::child::{Child, children_of, move_to};
use crate::contender::{Contender, Workload};
use crate::programs;
use crate::rounds::Rounds;
use crate::servers::{Backend, app_host, fal_host, free_address, hyper_hop, runner, wait_until_ready};
use crate::table::{Limit, table};

pub(crate) const REQUESTS: Workload = Workload {
    title: "32 clients, 28-byte requests",
    unit: "request",
    path: "/",
    connections: 32,
    body: 28,
    events: false,
};

pub(crate) const CLIENTS_256: Workload =
    Workload { title: "256 clients, 28-byte requests", connections: 256, ..REQUESTS };

pub(crate) const CLIENTS_2000: Workload =
    Workload { title: "2,000 clients, 28-byte requests", connections: 2000, ..REQUESTS };

pub(crate) const BODIES: Workload =
    Workload { title: "8 clients, 1 MiB in both directions", connections: 8, body: 1024 * 1024, ..REQUESTS };

pub(crate) const EVENTS: Workload = Workload {
    title: "1,000 streams of 10 events a second",
    unit: "event",
    path: "/events",
    connections: 1000,
    events: true,
    ..REQUESTS
};

const HAPROXY_UNIX: &str = "HAProxy, Unix socket";
const HAPROXY_TCP: &str = "HAProxy, TCP";
const NGINX: &str = "nginx, Unix socket";
const HYPER: &str = "hyper, Unix socket";
const HOST: &str = "fal-host, Unix socket";
const HOST_TCP: &str = "fal-host, TCP";

/// Without it HAProxy holds the parts of a response back for up to 200 ms, so that one packet carries several events.
const EVENTS_AT_ONCE: &str = "option http-no-delay";

/// Which cores run what, as `taskset` lists them.
#[derive(Clone, Copy)]
struct Cores {
    proxy: &'static str,
    rest: &'static str,
    threads: usize,
}

/// The proxies on one core, the runners and the clients on the other. Those with a limit come one after the other: the speed of a
/// machine changes least between them.
pub(crate) fn one_core(rounds: &Rounds, loads: &[Workload]) -> Result<String> {
    let cores = Cores { proxy: "0", rest: "1", threads: 1 };
    let option = if loads.iter().any(|load| load.events) { EVENTS_AT_ONCE } else { "" };
    let contenders = [
        haproxy(HAPROXY_UNIX, Backend::Unix, cores, option)?,
        host(HOST, app_host, cores)?,
        haproxy(HAPROXY_TCP, Backend::Tcp, cores, option)?,
        host(HOST_TCP, fal_host, cores)?,
        nginx(cores)?,
        hyper(cores)?,
    ];
    let mut text = String::new();
    for load in loads {
        let limits = match load.connections {
            32 => [limit(HOST, HAPROXY_UNIX, 1.0), limit(HOST, HAPROXY_TCP, 0.8)],
            _ => [limit(HOST, HAPROXY_UNIX, 1.1), limit(HOST_TCP, HAPROXY_TCP, 1.1)],
        };
        let all = rounds.run(&contenders, load, cores.rest)?;
        text += &table(load, &all, &limits);
        text.push('\n');
    }
    Ok(text)
}

/// The proxies with two threads; everything runs on both cores.
pub(crate) fn two_cores(rounds: &Rounds) -> Result<String> {
    let cores = Cores { proxy: "0,1", rest: "0,1", threads: 2 };
    let contenders =
        [haproxy(HAPROXY_UNIX, Backend::Unix, cores, "")?, host(HOST, app_host, cores)?, hyper(cores)?];
    let load = Workload { title: "32 clients, 28-byte requests, two threads", ..REQUESTS };
    let all = rounds.run(&contenders, &load, cores.rest)?;
    Ok(table(&load, &all, &[limit(HOST, HAPROXY_UNIX, 1.1)]))
}

fn limit(of: &'static str, to: &'static str, at_most: f64) -> Limit {
    Limit { of, to, at_most }
}

fn haproxy(name: &'static str, backend: Backend, cores: Cores, option: &str) -> Result<Contender> {
    let directory = TempDir::new()?;
    let (runner, to) = runner(backend, directory.path(), cores.rest)?;
    let listen = free_address()?;
    let server = match to {
        Address::Unix(path) => format!("unix@{}", path.display()),
        Address::Tcp(address) => address.to_string(),
    };
    let threads = cores.threads;
    let configuration = directory.path().join("haproxy.cfg");
    fs::write(
        &configuration,
        format!(
            "global\n  nbthread {threads}\n  maxconn 8192\n\
             defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  \
             timeout http-request 10s\n  http-reuse always\n  {option}\n\
             frontend front\n  bind {listen}\n  default_backend back\n\
             backend back\n  server runner {server}\n"
        ),
    )?;
    let mut command = Command::new(programs::installed("haproxy")?);
    command.arg("-db").arg("-f").arg(&configuration);
    start(name, &command, listen, cores, vec![runner], directory)
}

fn nginx(cores: Cores) -> Result<Contender> {
    let directory = TempDir::new()?;
    let (runner, to) = runner(Backend::Unix, directory.path(), cores.rest)?;
    let listen = free_address()?;
    let here = directory.path().display();
    let configuration = directory.path().join("nginx.conf");
    fs::write(
        &configuration,
        format!(
            "daemon off; master_process off; worker_processes 1; pid {here}/pid; error_log stderr warn;\n\
             events {{ worker_connections 8192; }}\n\
             http {{ access_log off; client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;\n\
             fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;\n\
             client_max_body_size 2m; proxy_request_buffering off; keepalive_requests 1000000000;\n\
             upstream back {{ server {to}; keepalive 2048; keepalive_requests 1000000000; }}\n\
             server {{ listen {listen} backlog=4096; location / {{ proxy_pass http://back;\n\
             proxy_http_version 1.1; proxy_set_header connection \"\"; }} }} }}\n"
        ),
    )?;
    let mut command = Command::new(programs::installed("nginx")?);
    command.arg("-c").arg(&configuration).arg("-p").arg(directory.path());
    start(NGINX, &command, listen, cores, vec![runner], directory)
}

fn hyper(cores: Cores) -> Result<Contender> {
    let directory = TempDir::new()?;
    let (runner, to) = runner(Backend::Unix, directory.path(), cores.rest)?;
    let listen = free_address()?;
    start(HYPER, &hyper_hop(listen, &to)?, listen, cores, vec![runner], directory)
}

/// Starts a host, and moves its runner to the other core.
fn host(
    name: &'static str,
    command: impl Fn(SocketAddr) -> Result<Command>,
    cores: Cores,
) -> Result<Contender> {
    let listen = free_address()?;
    let contender = start(name, &command(listen)?, listen, cores, Vec::new(), TempDir::new()?)?;
    for host in &contender.measured {
        for runner in children_of(*host) {
            move_to(runner, cores.rest)?;
        }
    }
    Ok(contender)
}

/// Starts a proxy, and waits until it answers.
fn start(
    name: &'static str,
    command: &Command,
    listen: SocketAddr,
    cores: Cores,
    others: Vec<Child>,
    directory: TempDir,
) -> Result<Contender> {
    let proxy = Child::start(command, cores.proxy, Stdio::null())?;
    let measured = vec![proxy.pid()];
    let address = Address::Tcp(listen);
    let children = std::iter::once(proxy).chain(others).collect();
    let contender = Contender { name, address, measured, _children: children, _directory: directory };
    wait_until_ready(&contender.address).with_context(|| format!("{name} does not answer"))?;
    Ok(contender)
}
