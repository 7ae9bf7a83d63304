//! A runner that misbehaves as it is told, by its environment ([`fault::Start`]) and by requests.
//!
//! It speaks the protocol between host and runner by hand, so that it can break it: nothing of fal-runtime is in it.
//! What it is not told to do wrong it does well: it serves requests, passes checks, and stops without losing one.

mod checks;
#[path = "../fault.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fault;
mod process;
mod requests;
mod wire;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use fault::{Check, STARTS, Start, Starts};

/// A runner, as it has been told to be.
#[derive(Debug)]
struct Runner {
    id: u64,
    start: Option<Start>,
    requests: PathBuf,
    checks: PathBuf,
    dependency: Option<PathBuf>,
    check: watch::Sender<Check>,
    ignores_term: AtomicBool,
    deadlocked: AtomicBool,
    /// No connection is kept after its next answer.
    closing: AtomicBool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let runner = Arc::new(Runner::from_environment()?);
    let mut channel = take_channel()?;
    let mut terminate = signal(SignalKind::terminate())?;
    match runner.start {
        Some(Start::NeverListens) => {
            terminate.recv().await;
            return Ok(());
        }
        Some(Start::NeverListensNorEnds) => std::future::pending().await,
        Some(Start::Dies) => return Err(io::Error::other("told to die")),
        Some(Start::OnlySaysReady) => {
            writeln!(channel, "{{\"ready\":{{}}}}")?;
            terminate.recv().await;
            return Ok(());
        }
        Some(Start::Babbles) => babble(&mut channel)?,
        Some(Start::DiesWhenReady | Start::DiesAtFirstRequest | Start::ClosesItsChannel) | None => {}
    }
    let serving = requests::Serving::start(&runner)?;
    tokio::spawn(checks::answer(Arc::clone(&runner), wire::bind(&runner.checks)?));
    writeln!(channel, "{{\"ready\":{{}}}}")?;
    match runner.start {
        Some(Start::DiesWhenReady) => return Err(io::Error::other("told to die")),
        Some(Start::ClosesItsChannel) => drop(channel),
        _ => process::end_with(channel)?,
    }
    loop {
        terminate.recv().await;
        if !runner.ignores_term.load(Ordering::Relaxed) {
            runner.closing.store(true, Ordering::Relaxed);
            return serving.finish(&runner).await;
        }
    }
}

impl Runner {
    fn from_environment() -> io::Result<Self> {
        let variable =
            |name: &str| std::env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")));
        let socket = |name| {
            let address = variable(name)?;
            let path = address.strip_prefix("unix:").map(PathBuf::from);
            path.ok_or_else(|| io::Error::other(format!("{address} is no Unix socket")))
        };
        let id = variable("FAL_RUNNER_ID")?.parse().map_err(io::Error::other)?;
        let starts: Starts = match std::env::var(STARTS) {
            Ok(starts) => serde_json::from_str(&starts)?,
            Err(_) => Starts::new(),
        };
        Ok(Self {
            id,
            start: starts.get(&id).copied(),
            requests: socket("FAL_RUNNER_LISTEN")?,
            checks: socket("FAL_RUNNER_HEALTH_LISTEN")?,
            dependency: std::env::var_os(fault::DEPENDENCY).map(PathBuf::from),
            check: watch::Sender::new(Check::Well),
            ignores_term: AtomicBool::new(false),
            deadlocked: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        })
    }
}

/// The control channel, which is standard input.
fn take_channel() -> io::Result<UnixStream> {
    let channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    channel.set_nonblocking(false)?;
    Ok(channel)
}

/// Noise, too long a line, what is almost a message, and messages of a version that never was.
fn babble(channel: &mut UnixStream) -> io::Result<()> {
    channel.write_all(&[0xFF; 200])?;
    channel.write_all(&vec![b'x'; 300 * 1024])?;
    channel.write_all(
        b"\n\n{}\n[]\n{\"ready\":0}\n{\"progress\":{\"fraction\":\"all\"}}\n{\"exploded\":{}}\n",
    )?;
    channel.write_all(b"{\"progress\":{\"fraction\":1e9,\"message\":\"beyond all measure\"}}\n")
}
