//! From the signals to the end of a host.

use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::future::OptionFuture;
use tokio::time::sleep;

use super::failure::Failure;
use super::service_manager::ServiceManager;
use super::signals::{SignalRequest, Signals};
use crate::HostHandle;
use crate::fleet::Scale;

/// The exit code of a host whose runners do not start.
const EXIT_GAVE_UP: u8 = 4;

/// The exit code after a signal to kill the runners.
const EXIT_KILLED: u8 = 130;

/// A signal to stop that follows the first one within this time is ignored as a duplicate: `timeout`, wrappers and
/// supervisors signal a process and then its process group.
const DUPLICATE_SIGNAL: Duration = Duration::from_millis(100);

/// Waits for the end of a host. The first signal begins the lame duck, if there is one (S66a), and then stops the host. The
/// next signal kills its runners (S41e).
pub(super) async fn until_stopped(
    host: &HostHandle,
    signals: &mut Signals,
    lame_duck: Duration,
    manager: ServiceManager,
) -> Result<ExitCode, Failure> {
    let mut restart = pin!(OptionFuture::from(None));
    loop {
        tokio::select! {
            request = signals.next() => match request {
                SignalRequest::Stop => break,
                SignalRequest::Restart => {
                    manager.reloading();
                    #[cfg(feature = "tls")]
                    reload_tls(host);
                    // A restart during another one takes its place.
                    restart.set(Some(host.restart_and_wait()).into());
                }
                SignalRequest::ScaleUp => host.request_scale(Scale::Up),
                SignalRequest::ScaleDown => host.request_scale(Scale::Down),
            },
            Some(_) = &mut restart => {
                restart.set(None.into());
                manager.reloaded();
            }
            () = host.stopped() => return exit_of_given_up(host).unwrap_or(Err(Failure::UnexpectedExit)),
        }
    }
    manager.stopping();
    if !lame_duck.is_zero() {
        host.begin_lame_duck();
        tracing::info!(?lame_duck, "stops soon: accepts and serves new connections for the lame-duck time");
        tokio::select! {
            () = sleep(lame_duck) => {}
            () = told_again(signals) => {}
            () = host.stopped() => return exit_of_given_up(host).unwrap_or(Err(Failure::UnexpectedExit)),
        }
    }
    host.shutdown();
    tokio::select! {
        biased;
        // It may have given up before the signal, while its runners were still ending.
        () = host.stopped() => return exit_of_given_up(host).unwrap_or(Ok(ExitCode::SUCCESS)),
        () = told_again(signals) => {}
    }
    host.kill();
    host.stopped().await;
    Ok(ExitCode::from(EXIT_KILLED))
}

/// Waits for the next signal to stop. A host that stops starts no runner, so other signals have no effect.
async fn told_again(signals: &mut Signals) {
    let first = Instant::now();
    while signals.next().await != SignalRequest::Stop || first.elapsed() < DUPLICATE_SIGNAL {}
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
