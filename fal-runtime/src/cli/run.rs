use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use fal_host::{HostBuilder, HostHandle, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::checks::Checks;
use super::describe::Endpoints;
use super::logging::{self, Times};
use super::options::RunOptions;
use super::select;
use crate::{Declaration, Error, Result};

/// What a process ends with that was told twice to stop.
const KILLED: u8 = 130;

/// Serves the app with a host until it is told to stop.
pub(super) fn run(options: &RunOptions) -> Result<ExitCode> {
    let app = select::app(options.app.name.as_deref())?;
    logging::init(Times::Written);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut signals = Signals::take()?;
        let host = start(app, options).await?;
        stay(host, &mut signals).await
    })
}

async fn start(app: &Declaration, options: &RunOptions) -> Result<HostHandle> {
    // This process has no children but its runners.
    if let Err(error) = fal_host::adopt_orphans() {
        tracing::debug!(%error, "what leaves a runner's process group is not found");
    }
    let host = build(app, options)?;
    // The first runner's start is logged when it has been said what is served and where.
    let _log = io::stderr().lock();
    let host = host.start().await.map_err(not_started)?;
    super::print(&serving(app, options, host.address(), host.admin_address()))?;
    Ok(host)
}

fn build(app: &Declaration, options: &RunOptions) -> Result<HostBuilder> {
    Ok(crate::host::of(app)?
        .listen(options.listen)
        .admin(options.admin.into())
        .runners(NonZeroUsize::new(options.runners.into()).unwrap_or(NonZeroUsize::MIN))
        .check_interval(options.check_interval)
        .queue(options.queue)
        .queue_timeout(options.queue_timeout)
        .drain_timeout(options.drain_timeout))
}

/// Until a signal ends it; a second one kills (S41).
async fn stay(host: HostHandle, signals: &mut Signals) -> Result<ExitCode> {
    tokio::select! {
        () = signals.next() => host.shutdown(),
        () = host.stopped() => return Err(Error::msg("the host has ended unasked; its log says why")),
    }
    tokio::select! {
        biased;
        () = host.stopped() => return Ok(ExitCode::SUCCESS),
        () = signals.next() => host.kill(),
    }
    host.stopped().await;
    Ok(ExitCode::from(KILLED))
}

/// What ends a host.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// A terminal that closes. Elsewhere it means something else to a server.
    hangup: Option<Signal>,
}

impl Signals {
    fn take() -> io::Result<Self> {
        let hangup = io::stdin().is_terminal().then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hangup => {}
        }
    }
}

/// What is served and where, and by which settings its health is judged.
fn serving(
    app: &Declaration,
    options: &RunOptions,
    address: SocketAddr,
    admin: Option<SocketAddr>,
) -> String {
    let settings = &app.settings;
    let (name, version) = (settings.name(), settings.version());
    let runners = counted(options.runners.into(), "runner");
    let requests = counted(settings.max_multiplexing().get(), "request");
    let check = app.health_check();
    let checks = Checks {
        spec: check.as_ref(),
        startup_timeout: settings.startup_timeout(),
        interval: options.check_interval,
    };
    let mut text = format!(
        "{name} {version} serves on http://{address} with {runners}, {requests} at a time each\n\
         endpoints\n{}\
         health check\n{checks}",
        Endpoints(&app.endpoints()),
    );
    if let Some(admin) = admin {
        // Writing to a string does not fail.
        let _ = writeln!(text, "runners are shown on http://{admin}/runners");
    }
    text
}

fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn not_started(error: StartError) -> Error {
    let advice = match &error {
        StartError::Listen { what: "requests", .. } => {
            "; give another address with `--listen`, whose port may be 0 to have one picked"
        }
        StartError::Listen { .. } => "; give another address with `--admin`, or `--admin off` to have none",
        _ => "",
    };
    Error::msg(Error::from(error).to_string() + advice)
}
