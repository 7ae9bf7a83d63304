use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use fal_host::{HostBuilder, HostHandle, Listener, StartError};
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
    let host = crate::host::of(app)?
        .listen(options.listen)
        .admin(options.admin.into())
        .runners(NonZeroUsize::new(options.runners.into()).unwrap_or(NonZeroUsize::MIN))
        .check_interval(options.check_interval)
        .queue(options.queue)
        .queue_timeout(options.queue_timeout)
        .drain_timeout(options.drain_timeout)
        .replacement(options.replace.into())
        .on_stall(options.on_stall.into());
    match (options.strict, options.max_replacing.and_then(|count| NonZeroUsize::new(count.into()))) {
        (true, Some(_)) => Err(Error::msg(
            "`--strict` (or FAL_STRICT) sets no bound to how many runners are replaced at a time, and \
             `--max-replacing` (or FAL_MAX_REPLACING) sets one: leave one of them away",
        )),
        (true, None) => Ok(host.strict()),
        (false, Some(count)) => Ok(host.max_replacing(count)),
        (false, None) => Ok(host),
    }
}

/// Until a signal ends it; a second one kills (S41).
async fn stay(host: HostHandle, signals: &mut Signals) -> Result<ExitCode> {
    loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Stop => break,
                Told::Restart => host.restart(),
            },
            () = host.stopped() => return Err(Error::msg("the host has ended unasked; its log says why")),
        }
    }
    host.shutdown();
    loop {
        tokio::select! {
            biased;
            () = host.stopped() => return Ok(ExitCode::SUCCESS),
            told = signals.next() => match told {
                Told::Stop => break,
                // None of its runners will be replaced any more.
                Told::Restart => {}
            },
        }
    }
    host.kill();
    host.stopped().await;
    Ok(ExitCode::from(KILLED))
}

/// What a signal tells a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Stop,
    /// Replace all runners, one after another.
    Restart,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// A terminal that closes ends what it has started. To a server without one it means to begin anew.
    at_hangup: Told,
}

impl Signals {
    fn take() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            at_hangup: if io::stdin().is_terminal() { Told::Stop } else { Told::Restart },
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => self.at_hangup,
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
        StartError::Listen { what: Listener::Requests, .. } => {
            "; give another address with `--listen`, whose port may be 0 to have one picked"
        }
        StartError::Listen { what: Listener::Admin, .. } => {
            "; give another address with `--admin`, or `--admin off` to have none"
        }
        _ => "",
    };
    Error::msg(Error::from(error).to_string() + advice)
}
