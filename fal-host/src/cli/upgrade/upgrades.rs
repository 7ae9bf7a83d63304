//! The upgrades of a running host, one at a time (S90, S92).

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::messages::Decision;
use super::successor::Successor;
use crate::amounts::duration;
use crate::cli::log_origin;
use crate::cli::service_manager::ServiceManager;
use crate::fleet::{DEFAULT_STARTUP_TIMEOUT, EventKind, ReplacementStrategy};
use crate::launch::{NOT_EXECUTED, advice, own_program};
use crate::upgrade::{UpgradeError, UpgradeRequest, Upgraded};
use crate::{AppSpec, HostHandle};

/// How much longer than its runners a new host may take.
const START_MARGIN: Duration = Duration::from_secs(60);

/// What an upgrade depends on.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct UpgradeSettings {
    pub(in crate::cli) strategy: ReplacementStrategy,
    /// How long a new host may take until it serves.
    timeout: Duration,
    /// How long a new host may take to end its runners.
    patience: Duration,
}

impl UpgradeSettings {
    pub(in crate::cli) fn of(app: &AppSpec, strategy: ReplacementStrategy) -> Self {
        let start_period =
            app.health_check.as_ref().map(|check| check.config.start_period()).unwrap_or_default();
        let startup = app.startup_timeout.unwrap_or(DEFAULT_STARTUP_TIMEOUT);
        let timeout = startup.max(start_period).saturating_add(START_MARGIN);
        Self {
            strategy,
            timeout,
            patience: app.termination_grace_period.saturating_add(Duration::from_secs(5)),
        }
    }
}

/// Whether the host still upgrades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Cancel {
    No,
    /// The host stops, and a new one with it.
    Gracefully,
    /// The host is killed.
    AtOnce,
}

/// The upgrades of a host.
#[derive(Debug)]
pub(in crate::cli) struct Upgrades {
    pub(in crate::cli) requests: mpsc::UnboundedReceiver<UpgradeRequest>,
    pub(in crate::cli) settings: UpgradeSettings,
    pub(in crate::cli) manager: ServiceManager,
}

impl Upgrades {
    /// Serves requests for upgrades until the host has retired, or until it is cancelled and no new host is left. Returns whether
    /// the host has retired.
    pub(in crate::cli) async fn run(
        mut self,
        host: &HostHandle,
        mut cancel: watch::Receiver<Cancel>,
    ) -> bool {
        loop {
            let request = tokio::select! {
                biased;
                () = reached(&mut cancel, Cancel::Gracefully) => return false,
                request = self.requests.recv() => match request {
                    Some(request) => request,
                    None => return false,
                }
            };
            let UpgradeRequest { program, timeout, outcome } = request;
            let attempt = UpgradeAttempt { host, settings: self.settings, manager: self.manager };
            let result = tokio::select! {
                result = attempt.make(program, timeout, cancel.clone()) => result,
                never = refuse_all(&mut self.requests) => match never {},
            };
            if let Err(error) = &result {
                log_origin::show(host.is_retired());
                host.publish(EventKind::UpgradeFailed { detail: error.detail() });
            }
            if let Some(outcome) = outcome {
                // It may have stopped waiting.
                let _ = outcome.send(result);
            }
            // Even if the new host ended before it served: this one has left its clients to it.
            if host.is_retired() {
                return true;
            }
        }
    }
}

/// Why a new host is not let serve.
enum Unready {
    /// It has said why, or has ended.
    Failed(String),
    /// The time is up.
    Late,
    /// This host stops.
    HostStopping,
}

/// One upgrade.
struct UpgradeAttempt<'a> {
    host: &'a HostHandle,
    settings: UpgradeSettings,
    manager: ServiceManager,
}

impl UpgradeAttempt<'_> {
    /// Starts the new host and lets it take over.
    async fn make(
        &self,
        program: Option<PathBuf>,
        limit: Option<Duration>,
        mut cancel: watch::Receiver<Cancel>,
    ) -> Result<Upgraded, UpgradeError> {
        let limit = limit.unwrap_or(self.settings.timeout);
        // The path that an operator names is the path of the next upgrade, too. It may be a symbolic link (S90a).
        let called = program.clone();
        let program =
            program.map_or_else(own_program, Ok).map_err(|error| UpgradeError::Failed(error.to_string()))?;
        let shown = program.display();
        let mut late = pin!(sleep(limit));
        let given_up = async {
            tokio::select! {
                () = reached(&mut cancel, Cancel::Gracefully) => UpgradeError::HostStopping,
                () = &mut late => UpgradeError::Failed(format!(
                    "{NOT_EXECUTED} {shown} within {}; {}",
                    duration(limit),
                    advice(&shown)
                )),
            }
        };
        let mut successor = self.start(&program, called.as_deref(), given_up).await?;
        let pid = successor.pid();
        log_origin::show(true);
        self.host.publish(EventKind::UpgradeStarted { pid });
        let ready = tokio::select! {
            biased;
            () = reached(&mut cancel, Cancel::Gracefully) => Err(Unready::HostStopping),
            ready = successor.ready() => ready.map_err(Unready::Failed),
            () = late => Err(Unready::Late),
        };
        let ready = match ready {
            Ok(()) => Ok(()),
            Err(Unready::Failed(why)) => Err(UpgradeError::Failed(why)),
            Err(Unready::Late) => Err(UpgradeError::Failed(format!(
                "the new host does not serve after {}: {}; `upgrade --timeout` sets this time",
                duration(limit),
                successor.give_up().await
            ))),
            Err(Unready::HostStopping) => {
                successor.answer(Decision::Stop).await;
                Err(UpgradeError::HostStopping)
            }
        };
        if let Err(error) = ready {
            successor.end(self.settings.patience, reached(&mut cancel, Cancel::AtOnce)).await;
            return Err(error);
        }
        self.host.retire().await;
        self.manager.main_process(pid);
        // Its Unix socket, which could pause or resume it, is closed.
        let paused_for = self.host.paused_for().await;
        let answer = paused_for.map_or(Decision::Serve, Decision::ServePaused);
        successor.serve(answer).await.map_err(UpgradeError::Lost)?;
        self.host.publish(EventKind::UpgradeCompleted { pid });
        if paused_for.is_some() {
            self.host.resume_when(successor.resumed());
        }
        Ok(Upgraded { pid, paused: paused_for.is_some() })
    }

    async fn start(
        &self,
        program: &Path,
        called: Option<&Path>,
        given_up: impl Future<Output = UpgradeError>,
    ) -> Result<Successor, UpgradeError> {
        let refused = |why: &str| Err(UpgradeError::Refused(why.to_owned()));
        if std::process::id() == 1 {
            return refused(
                "the host is process 1, with which the container ends; start a new container, or use `restart`",
            );
        }
        if self.settings.strategy == ReplacementStrategy::StopFirst {
            return refused(
                "with `--replace stop-first` old and new runners may not overlap; `restart` takes the program that is on disk now",
            );
        }
        let (Some(sockets), Some(snapshot)) = (self.host.shared_sockets(), self.host.snapshot().await) else {
            return Err(UpgradeError::HostStopping);
        };
        let host = (&*sockets, snapshot.scale.runners);
        Successor::start(program, called, host, given_up).await.unwrap_or_else(|error| {
            Err(UpgradeError::Failed(format!("{} could not be started: {error}", program.display())))
        })
    }
}

/// Waits until the host has been told this, or more. Never resolves if it cannot be told any more.
async fn reached(cancel: &mut watch::Receiver<Cancel>, level: Cancel) {
    if cancel.wait_for(|told| *told >= level).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Refuses further upgrades while one is under way.
async fn refuse_all(requests: &mut mpsc::UnboundedReceiver<UpgradeRequest>) -> std::convert::Infallible {
    loop {
        let Some(request) = requests.recv().await else { return std::future::pending().await };
        tracing::warn!("an upgrade is under way already: another one is refused");
        if let Some(outcome) = request.outcome {
            let _ = outcome.send(Err(UpgradeError::Refused("another one is under way".to_owned())));
        }
    }
}
