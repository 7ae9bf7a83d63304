//! From the signals to the end of a host.

use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::future::{Either, OptionFuture, select};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::failure::Failure;
use super::service_manager::ServiceManager;
use super::signals::{SignalRequest, Signals};
use super::upgrade::{Cancel, Upgrades};
use crate::HostHandle;
use crate::fleet::Scale;
use crate::upgrade::UpgradeRequest;

/// The exit code of a host whose runners do not start.
const EXIT_GAVE_UP: u8 = 4;

/// The exit code after a signal to kill the runners.
const EXIT_KILLED: u8 = 130;

/// A signal to stop that follows the first one within this time is ignored as a duplicate: `timeout`, wrappers and
/// supervisors signal a process and then its process group.
const DUPLICATE_SIGNAL: Duration = Duration::from_millis(100);

/// A host that serves, and what may stop it.
pub(super) struct Serving<'a> {
    pub(super) host: &'a HostHandle,
    pub(super) signals: &'a mut Signals,
    pub(super) times: Times,
    pub(super) manager: ServiceManager,
    /// Where to ask for upgrades.
    pub(super) upgrades: mpsc::UnboundedSender<UpgradeRequest>,
}

/// How long the parts of a stop may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) lame_duck: Duration,
    pub(super) drain: Duration,
}

/// Why a host is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Signal,
    /// A new host serves.
    TakenOver,
    /// It has stopped by itself.
    Ended,
}

impl Serving<'_> {
    /// Waits for the end of a host. The first signal begins the lame duck, if there is one (S66a), and then stops the host. The
    /// next signal kills its runners (S41e). A host that another one has taken over from stops when its clients have left (S92b).
    pub(super) async fn until_stopped(mut self, upgrades: Upgrades) -> Result<ExitCode, Failure> {
        let (cancel, cancelled) = watch::channel(Cancel::No);
        let upgrading = upgrades.run(self.host, cancelled);
        let mut upgrading = pin!(upgrading);
        let stop = self.serve(upgrading.as_mut()).await;
        cancel.send_replace(Cancel::Gracefully);
        match stop {
            Stop::Ended => {
                let code = exit_of_given_up(self.host).unwrap_or(Err(Failure::UnexpectedExit));
                self.end_upgrade(upgrading, &cancel, code).await
            }
            Stop::TakenOver => {
                tokio::select! {
                    () = self.host.clients_left() => {}
                    () = sleep(self.times.drain) => {}
                    signal = self.signals.stop() => tracing::info!("told to stop by {signal}"),
                    () = self.host.stopped() => {}
                }
                self.stop(&cancel).await
            }
            Stop::Signal => {
                self.manager.stopping();
                // An upgrade ends at the same time.
                let code = {
                    let stopping = pin!(self.lame_duck_and_stop(&cancel));
                    match select(stopping, upgrading.as_mut()).await {
                        Either::Left((code, _)) => code,
                        Either::Right((_, stopping)) => return stopping.await,
                    }
                };
                self.end_upgrade(upgrading, &cancel, code).await
            }
        }
    }

    /// Waits for a new host that is being ended, which may take longer than this one.
    async fn end_upgrade(
        &mut self,
        mut upgrading: Pin<&mut impl Future<Output = bool>>,
        cancel: &watch::Sender<Cancel>,
        code: Result<ExitCode, Failure>,
    ) -> Result<ExitCode, Failure> {
        tokio::select! {
            biased;
            _ = &mut upgrading => return code,
            () = told_again(self.signals) => {}
        }
        cancel.send_replace(Cancel::AtOnce);
        upgrading.await;
        Ok(ExitCode::from(EXIT_KILLED))
    }

    /// Carries out what signals ask for, until the host is to stop.
    async fn serve(&mut self, mut upgrading: Pin<&mut impl Future<Output = bool>>) -> Stop {
        let (host, manager) = (self.host, self.manager);
        let mut restart = pin!(OptionFuture::from(None));
        loop {
            tokio::select! {
                request = self.signals.next() => match request {
                    SignalRequest::Stop(signal) => {
                        tracing::info!("told to stop by {signal}");
                        return Stop::Signal;
                    }
                    SignalRequest::Restart => {
                        manager.reloading();
                        #[cfg(feature = "tls")]
                        reload_tls(host);
                        // A restart during another one takes its place.
                        restart.set(Some(host.restart_and_wait()).into());
                    }
                    SignalRequest::ScaleUp => host.request_scale(Scale::Up),
                    SignalRequest::ScaleDown => host.request_scale(Scale::Down),
                    SignalRequest::Upgrade => {
                        // The receiver lives as long as `upgrading`.
                        let _ = self.upgrades.send(UpgradeRequest::default());
                    }
                },
                Some(_) = &mut restart => {
                    restart.set(None.into());
                    manager.reloaded();
                }
                true = &mut upgrading => return Stop::TakenOver,
                () = host.stopped() => return Stop::Ended,
            }
        }
    }

    async fn lame_duck_and_stop(&mut self, cancel: &watch::Sender<Cancel>) -> Result<ExitCode, Failure> {
        let lame_duck = self.times.lame_duck;
        if !lame_duck.is_zero() {
            self.host.begin_lame_duck();
            tracing::info!(
                ?lame_duck,
                "stops soon: accepts and serves new connections for the lame-duck time"
            );
            tokio::select! {
                () = sleep(lame_duck) => {}
                () = told_again(self.signals) => {}
                () = self.host.stopped() => return exit_of_given_up(self.host).unwrap_or(Err(Failure::UnexpectedExit)),
            }
        }
        self.stop(cancel).await
    }

    async fn stop(&mut self, cancel: &watch::Sender<Cancel>) -> Result<ExitCode, Failure> {
        let host = self.host;
        log_stop(host.in_flight(), self.times.drain);
        host.shutdown();
        tokio::select! {
            biased;
            // It may have given up before the signal, while its runners were still ending.
            () = host.stopped() => return exit_of_given_up(host).unwrap_or(Ok(ExitCode::SUCCESS)),
            () = told_again(self.signals) => {}
        }
        cancel.send_replace(Cancel::AtOnce);
        host.kill();
        host.stopped().await;
        Ok(ExitCode::from(EXIT_KILLED))
    }
}

/// Logs what the stop waits for.
fn log_stop(requests: usize, drain_timeout: Duration) {
    if requests > 0 {
        let requests = if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
        tracing::info!(
            at_most = ?drain_timeout,
            "stops: waits for {requests} in flight; Ctrl-C again, or another SIGTERM, ends them"
        );
    }
}

/// Waits for the next signal to stop. A host that stops starts no runner, so other signals have no effect.
async fn told_again(signals: &mut Signals) {
    let first = Instant::now();
    loop {
        let signal = signals.stop().await;
        if first.elapsed() >= DUPLICATE_SIGNAL {
            tracing::warn!("told to stop by another {signal}");
            return;
        }
    }
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
