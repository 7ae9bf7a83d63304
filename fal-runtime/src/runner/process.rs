//! The life of a runner: setup, service, stop.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fal_health::protocol::ListenAddress;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot::error::RecvError;

use super::exit::Exit;
use super::own_checks::{self, CheckHeader};
use super::signals::Signals;
use super::stop::{Serving, StopTimeouts, stop, tear_down};
use super::supervisor::Supervisor;
use super::task::task_error;
use super::{threads, timeouts};
use crate::app::runner_phase::{self, RunnerPhase};
use crate::app::{Declaration, Instance};
use crate::docs_page::DocsPage;
use crate::error::Error;
use crate::router;
#[cfg(feature = "metrics")]
use crate::server::MetricsListener;
use crate::server::{ConcurrencyLimit, HealthListener, Listener, ProbeLane, Server};

/// Beside those of its runtime, a runner needs threads for checks and a blocking health function, for probes and metrics, for
/// calls that block, for `setup`, and to resolve the name of a collector of spans.
const FURTHER_THREADS: usize = if cfg!(feature = "otel") { 7 } else { 6 };

/// A runner in this process.
#[derive(Debug)]
pub(crate) struct RunnerProcess {
    pub(crate) app: &'static Declaration,
    pub(crate) listen: ListenAddress,
    /// Where health checks are answered; `None`: at `listen`.
    pub(crate) health_listen: Option<ListenAddress>,
    /// The time from SIGTERM to SIGKILL.
    pub(crate) grace_period: Duration,
    pub(crate) supervisor: Supervisor,
    pub(crate) fleet: FleetSettings,
    pub(crate) docs: DocsPage,
}

/// How a runner without a host behaves among others (S66, S67, S68). The default is that of a runner with a host.
#[derive(Debug, Default)]
pub(crate) struct FleetSettings {
    /// How long it serves new connections after the signal to stop.
    pub(crate) lame_duck: Duration,
    /// How long requests in flight may take after that, before the grace period begins.
    pub(crate) drain_timeout: Duration,
    /// Where it answers probes.
    pub(crate) probes: Option<ListenAddress>,
    /// Where it shows its metrics.
    #[cfg(feature = "metrics")]
    pub(crate) metrics: Option<ListenAddress>,
    pub(crate) check_header: CheckHeader,
}

impl FleetSettings {
    fn needs_lane(&self) -> bool {
        self.probes.is_some() || matches!(self.check_header, CheckHeader::ActedOn(_))
    }
}

impl RunnerProcess {
    /// Runs from `setup` to `teardown`, and blocks for as long.
    pub(crate) fn run(self) -> Exit {
        // The caller may be on a Tokio runtime, where no other can be driven. So this takes a thread of its own.
        thread::scope(|scope| {
            let lifecycle = thread::Builder::new().name("fal-lifecycle".to_owned());
            match lifecycle.spawn_scoped(scope, || self.drive()) {
                Ok(lifecycle) => lifecycle
                    .join()
                    .unwrap_or_else(|panic| self.supervisor.not_started(&Error::panicked(&*panic))),
                Err(error) => self.supervisor.no_thread(&error),
            }
        })
    }

    /// Drives two runtimes: one for the app's code, and one on this thread for signals and timeouts. So a runner whose
    /// code blocks every thread of its runtime still stops in time, and names that code.
    fn drive(&self) -> Exit {
        let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if let Err(error) = threads::try_out(workers + FURTHER_THREADS) {
            return self.supervisor.no_thread(&error);
        }
        let own = Builder::new_current_thread().enable_all().build();
        let apps = Builder::new_multi_thread()
            .enable_all()
            // A thread's own queue has room for 256 tasks. With more active connections, those of the rest would wait too long.
            .global_queue_interval(2)
            .max_blocking_threads(timeouts::blocking_threads(self.app.settings.max_multiplexing()))
            .thread_keep_alive(timeouts::BLOCKING_KEEP_ALIVE)
            .thread_name("fal-runner")
            .build();
        match (own, apps) {
            (Ok(own), Ok(apps)) => {
                let exit = own.block_on(async {
                    tokio::spawn(threads::keep_one(apps.handle().clone()));
                    if let Some(reporter) = self.supervisor.metrics_reporter() {
                        tokio::spawn(reporter.run());
                    }
                    self.live(apps.handle()).await
                });
                #[cfg(feature = "otel")]
                crate::traces::finish(timeouts::last_spans_timeout(Duration::ZERO));
                // What was counted since the last interval.
                if let Some(mut reporter) = self.supervisor.metrics_reporter() {
                    reporter.send_changed();
                }
                // Calls that still run are abandoned (S38, S42).
                apps.shutdown_background();
                exit
            }
            (Err(error), _) | (_, Err(error)) => self.supervisor.not_started(&Error::from(error)),
        }
    }

    async fn live(&self, apps: &Handle) -> Exit {
        let mut signals = match Signals::take(&self.supervisor) {
            Ok(signals) => signals,
            Err(error) => return self.supervisor.not_started(&Error::from(error)),
        };
        let lane = match self.start_lane().await {
            Ok(lane) => lane,
            Err(error) => return self.supervisor.not_started(&error),
        };
        #[cfg(feature = "metrics")]
        let _metrics = match self.show_metrics().await {
            Ok(listener) => listener,
            Err(error) => return self.supervisor.not_started(&error),
        };
        runner_phase::set(RunnerPhase::Setup);
        let instance = match self.set_up(apps, &mut signals).await {
            Ok(instance) => instance,
            Err(exit) => return exit,
        };
        let serving = match self.open(apps, Arc::clone(&instance), lane).await {
            Ok(serving) => serving,
            Err(error) => return self.close(&error, instance, apps, &mut signals).await,
        };
        drop(instance);
        runner_phase::set(RunnerPhase::Running);
        self.supervisor.ready(self.app, serving.server.address());
        let check_failed = self.check_itself(&serving);
        let failed = tokio::select! {
            biased;
            _ = signals.first() => false,
            Ok(reason) = check_failed => {
                tracing::error!("stops: it failed the health check that a response asked for: {reason}");
                true
            }
        };
        self.stop_taking_clients(&serving, &mut signals).await;
        let timeouts =
            StopTimeouts { drain: self.fleet.drain_timeout, stop: timeouts::stop_timeout(self.grace_period) };
        #[cfg(feature = "otel")]
        let deadline = tokio::time::Instant::now() + timeouts.drain + timeouts.stop;
        let exit = stop(self.app, serving, timeouts, apps, &mut signals).await;
        #[cfg(feature = "otel")]
        crate::traces::finish(timeouts::last_spans_timeout(
            deadline.saturating_duration_since(tokio::time::Instant::now()),
        ));
        match exit {
            Exit::Stopped if failed => Exit::ManualCheckFailed,
            exit => exit,
        }
    }

    async fn start_lane(&self) -> Result<Option<ProbeLane>, Error> {
        if !self.fleet.needs_lane() {
            return Ok(None);
        }
        let lane = ProbeLane::start(self.fleet.probes.clone()).await?;
        if let Some(address) = lane.address() {
            self.supervisor.answers_probes(address);
        }
        Ok(Some(lane))
    }

    #[cfg(feature = "metrics")]
    async fn show_metrics(&self) -> Result<Option<MetricsListener>, Error> {
        let Some(address) = self.fleet.metrics.clone() else { return Ok(None) };
        let listener = MetricsListener::start(address, self.app.settings.name()).await?;
        self.supervisor.shows_metrics(listener.address());
        Ok(Some(listener))
    }

    /// Resolves when a check that a response asked for has failed. Otherwise it never does.
    async fn check_itself(&self, serving: &Serving) -> Result<String, RecvError> {
        match (&self.fleet.check_header, &serving.lane, self.app.health_check()) {
            (CheckHeader::ActedOn(asked), Some(lane), Some(spec)) => {
                own_checks::start(lane, Arc::clone(asked), spec).await
            }
            _ => std::future::pending().await,
        }
    }

    /// The lame duck (S66a): the runner is not ready any more, and still serves new connections.
    async fn stop_taking_clients(&self, serving: &Serving, signals: &mut Signals) {
        if let Some(lane) = &serving.lane {
            lane.set_not_ready();
        }
        let lame_duck = self.fleet.lame_duck;
        if !lame_duck.is_zero() {
            tracing::info!(
                ?lame_duck,
                "stops soon: accepts and serves new connections for the lame-duck time"
            );
            serving.server.close_connections();
            tokio::select! {
                () = tokio::time::sleep(lame_duck) => {}
                () = signals.again() => {}
            }
        }
        runner_phase::set(RunnerPhase::Terminating);
    }

    async fn set_up(&self, apps: &Handle, signals: &mut Signals) -> Result<Instance, Exit> {
        let (set_up, cx) = (self.app.setup, self.supervisor.setup());
        let mut task = apps.spawn(async move { set_up(cx).await });
        let made = tokio::select! {
            biased;
            made = &mut task => made,
            signal = signals.first() => {
                // Waits until an async setup has been dropped. One that blocks its thread is abandoned.
                task.abort();
                tokio::select! {
                    _ = task => {}
                    () = tokio::time::sleep(timeouts::stop_timeout(self.grace_period)) => {}
                    second = signals.second() => return Err(Exit::Signalled(second)),
                }
                return Err(Exit::Signalled(signal));
            }
        };
        match made.unwrap_or_else(|error| Err(task_error(error))) {
            Ok(instance) => Ok(instance),
            Err(error) => Err(self.supervisor.setup_failed(self.app, &error)),
        }
    }

    async fn open(
        &self,
        apps: &Handle,
        instance: Instance,
        lane: Option<ProbeLane>,
    ) -> Result<Serving, Error> {
        let (app, listen, timeout) = (self.app, self.listen.clone(), self.supervisor.read_timeout());
        let (health_check, requests) = (self.health_listen.clone().zip(app.health_path()), apps.clone());
        let (check_header, docs) = (self.fleet.check_header.clone(), self.docs);
        let opening = apps.spawn(async move {
            let calls = ConcurrencyLimit::new(app.settings.max_multiplexing());
            let router = router::build(app, Arc::clone(&instance), Arc::clone(&calls));
            let router = match docs {
                DocsPage::On => router::with_docs(app, router),
                DocsPage::Off => router,
            };
            let surrounded =
                own_checks::treat(app.surround(router.clone()), &check_header, app.health_path());
            let listener = Listener::bind(listen).await?;
            let probed = router.clone();
            // After everything else that can fail, so that nothing that holds the app is left behind.
            let health_listener = match health_check {
                Some((address, path)) => {
                    Some(HealthListener::start(address, router, path, Arc::clone(&calls), &requests).await?)
                }
                None => None,
            };
            if let Some(lane) = &lane {
                lane.open(probed, app.health_path()).await;
            }
            let server = Server::start(listener, surrounded, timeout);
            Ok(Serving { server, health_listener, lane, calls, instance })
        });
        opening.await.unwrap_or_else(|error| Err(task_error(error)))
    }

    /// Calls `teardown` after the runner could not listen.
    async fn close(&self, error: &Error, instance: Instance, apps: &Handle, signals: &mut Signals) -> Exit {
        let exit = self.supervisor.not_started(error);
        let timeout = timeouts::stop_timeout(self.grace_period);
        match tokio::time::timeout(timeout, tear_down(self.app, instance, apps, signals)).await {
            Ok(signalled @ Exit::Signalled(_)) => signalled,
            Ok(_) => exit,
            Err(_) => {
                tracing::error!("teardown is cut short: it has not returned after {timeout:?}");
                exit
            }
        }
    }
}
