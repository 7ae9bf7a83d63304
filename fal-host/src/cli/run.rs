//! Runs a host until a signal stops it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::banner::Banner;
use super::failure::Failure;
use super::host_options::HostOptions;
use super::inherited;
use super::logging;
use super::signals::{SignalRequest, Signals};
use crate::{HostBuilder, HostHandle};

/// The exit code of a host whose runners do not start.
const EXIT_GAVE_UP: u8 = 4;

/// The exit code after a second signal to stop.
const EXIT_KILLED: u8 = 130;

/// A signal to stop that follows the first one within this time is ignored as a duplicate: `timeout`, wrappers and
/// supervisors signal a process and then its process group.
const DUPLICATE_SIGNAL: Duration = Duration::from_millis(100);

/// Runs a host until a signal stops it. Blocks; call it at the end of `main`, in a program whose only children are its
/// runners.
///
/// It starts a tokio runtime and calls `host` on it. When the host takes requests, the banner is printed to standard
/// output. The log goes to standard error, filtered by `FAL_LOG` (default `info`).
///
/// SIGTERM and Ctrl-C stop the host. A second one, at least 100 ms after the first, kills the runners
/// ([S41e](fal_health::semantics#s41e)). SIGHUP loads the TLS certificate again and replaces all runners; if standard input is a terminal, SIGHUP
/// stops the host. If the program was started with SIGHUP ignored, as by `nohup`, it stays ignored. Runners inherit no
/// descriptors except their standard streams.
///
/// Returns exit code 0, 4 if its runners do not start ([S48](fal_health::semantics#s48)), or 130 after a second signal. The errors are those of [`Failure`].
pub fn run(
    banner: Banner<'_>,
    options: &HostOptions,
    host: impl FnOnce() -> Result<HostBuilder, Failure>,
) -> Result<ExitCode, Failure> {
    let log = logging::init()?;
    if let Err(error) = inherited::keep_descriptors() {
        tracing::debug!(%error, "cannot list open files: runners may inherit some");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::install()?;
        let host = start(banner, options, host).await?;
        run_until_stopped(host, &mut signals).await
    });
    log.finish();
    ended
}

async fn start(
    banner: Banner<'_>,
    options: &HostOptions,
    host: impl FnOnce() -> Result<HostBuilder, Failure>,
) -> Result<HostHandle, Failure> {
    if let Err(error) = crate::adopt_orphans() {
        tracing::debug!(%error, "cannot adopt orphans: processes that leave a runner's process group will not be found");
    }
    if let Err(error) = crate::raise_open_files() {
        tracing::debug!(%error, "cannot raise the limit on open files");
    }
    let host = options.apply(host()?)?;
    // The banner comes before the first log line.
    let _log = io::stderr().lock();
    let host = host.start().await?;
    print(&banner.render(&host, options))?;
    Ok(host)
}

/// The first signal stops the host, a second one kills its runners (S41e).
async fn run_until_stopped(host: HostHandle, signals: &mut Signals) -> Result<ExitCode, Failure> {
    loop {
        tokio::select! {
            request = signals.next() => match request {
                SignalRequest::Stop => break,
                SignalRequest::Restart => {
                    #[cfg(feature = "tls")]
                    reload_tls(&host);
                    host.restart();
                }
            },
            () = host.stopped() => return exit_of_given_up(&host).unwrap_or(Err(Failure::UnexpectedExit)),
        }
    }
    let first = Instant::now();
    host.shutdown();
    loop {
        tokio::select! {
            biased;
            // It may have given up before the signal, while its runners were still ending.
            () = host.stopped() => return exit_of_given_up(&host).unwrap_or(Ok(ExitCode::SUCCESS)),
            request = signals.next() => match request {
                SignalRequest::Stop if first.elapsed() < DUPLICATE_SIGNAL => {}
                SignalRequest::Stop => break,
                // A host that stops replaces no runner.
                SignalRequest::Restart => {}
            },
        }
    }
    host.kill();
    host.stopped().await;
    Ok(ExitCode::from(EXIT_KILLED))
}

/// Loads the certificate again, if there is one.
#[cfg(feature = "tls")]
fn reload_tls(host: &HostHandle) {
    match host.reload_tls() {
        Ok(true) => tracing::info!("the TLS certificate is loaded again, for connections from now on"),
        Ok(false) => {}
        Err(error) => {
            tracing::error!(%error, "cannot load the TLS certificate again, the old one stays in use");
        }
    }
}

/// Prints the error of a host that gave up, and returns its exit code (S48a).
fn exit_of_given_up(host: &HostHandle) -> Option<Result<ExitCode, Failure>> {
    let gave_up = host.gave_up()?;
    let printed = writeln!(io::stderr(), "error: {gave_up}");
    Some(printed.map(|()| ExitCode::from(EXIT_GAVE_UP)).map_err(Failure::from))
}

/// Prints to standard output; a closed pipe is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
