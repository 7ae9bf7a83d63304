use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::signals::{Signals, Told};
use super::{Failure, HostOptions, Serving, logging};
use crate::{HostBuilder, HostHandle};

/// What a process ends with that was told twice to stop.
const KILLED: u8 = 130;

/// What comes so soon after the first signal to stop is that signal: `timeout`, wrappers and supervisors signal a process
/// and then its group, so it comes twice.
const SAME_SIGNAL: Duration = Duration::from_millis(100);

/// Runs a host until a signal ends it: what the `main` of a program comes to whose only children are its runners.
///
/// `host` is called inside the runtime on which requests will be forwarded. When the host has started, what is served
/// and where is printed on standard output; the log goes to standard error, filtered by `FAL_LOG`
/// (default `info`). SIGTERM and Ctrl-C stop it, a second one, from 100 ms after the first, kills its runners (S41). SIGHUP
/// replaces all runners, or stops it where standard input is a terminal, which has closed then.
///
/// Returns 0, or 130 where it was killed.
pub fn run(
    serving: Serving<'_>,
    options: &HostOptions,
    host: impl FnOnce() -> Result<HostBuilder, Failure>,
) -> Result<ExitCode, Failure> {
    let log = logging::init()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::take()?;
        let host = start(serving, options, host).await?;
        stay(host, &mut signals).await
    });
    log.finish();
    ended
}

async fn start(
    serving: Serving<'_>,
    options: &HostOptions,
    host: impl FnOnce() -> Result<HostBuilder, Failure>,
) -> Result<HostHandle, Failure> {
    // This process has no children but its runners.
    if let Err(error) = crate::adopt_orphans() {
        tracing::debug!(%error, "what leaves a runner's process group is not found");
    }
    if let Err(error) = crate::raise_open_files() {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
    let host = options.apply(host()?)?;
    // The first runner's start is logged when it has been said what is served and where.
    let _log = io::stderr().lock();
    let host = host.start().await?;
    print(&serving.at(&host, options))?;
    Ok(host)
}

/// Until a signal ends it; a second one kills (S41).
async fn stay(host: HostHandle, signals: &mut Signals) -> Result<ExitCode, Failure> {
    loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Stop => break,
                Told::Restart => host.restart(),
            },
            () = host.stopped() => return Err(Failure::Unasked),
        }
    }
    let first = Instant::now();
    host.shutdown();
    loop {
        tokio::select! {
            biased;
            () = host.stopped() => return Ok(ExitCode::SUCCESS),
            told = signals.next() => match told {
                Told::Stop if first.elapsed() < SAME_SIGNAL => {}
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

/// A reader that has gone wants no more of it.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
