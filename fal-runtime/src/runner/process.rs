//! The life of a runner: setup, service, stop.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fal_health::protocol::ListenAddress;
use tokio::runtime::{Builder, Handle};

use super::exit::Exit;
use super::signals::Signals;
use super::stop::{Serving, stop, tear_down};
use super::supervisor::Supervisor;
use super::task::task_error;
use super::timeouts;
use crate::app::runner_phase::{self, RunnerPhase};
use crate::app::{Declaration, Instance};
use crate::error::Error;
use crate::router;
use crate::server::{ConcurrencyLimit, HealthListener, Listener, Server};

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
}

impl RunnerProcess {
    /// Runs from `setup` to `teardown`, and blocks for as long.
    pub(crate) fn run(self) -> Exit {
        // The caller may be on a Tokio runtime, where no other can be driven. So this takes a thread of its own.
        thread::scope(|scope| {
            let lifecycle = thread::Builder::new().name("fal-lifecycle".to_owned());
            match lifecycle.spawn_scoped(scope, || self.drive()) {
                // Tokio panics if it gets no thread.
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
        let own = Builder::new_current_thread().enable_all().build();
        let apps = Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(timeouts::blocking_threads(self.app.settings.max_multiplexing()))
            .thread_name("fal-runner")
            .build();
        match (own, apps) {
            (Ok(own), Ok(apps)) => {
                let exit = own.block_on(self.live(apps.handle()));
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
        runner_phase::set(RunnerPhase::Setup);
        let instance = match self.set_up(apps, &mut signals).await {
            Ok(instance) => instance,
            Err(exit) => return exit,
        };
        let serving = match self.open(apps, Arc::clone(&instance)).await {
            Ok(serving) => serving,
            Err(error) => return self.close(&error, instance, apps, &mut signals).await,
        };
        drop(instance);
        runner_phase::set(RunnerPhase::Running);
        self.supervisor.ready(self.app, serving.server.address());
        signals.first().await;
        runner_phase::set(RunnerPhase::Terminating);
        stop(self.app, serving, timeouts::stop_timeout(self.grace_period), apps, &mut signals).await
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

    async fn open(&self, apps: &Handle, instance: Instance) -> Result<Serving, Error> {
        let (app, listen, timeout) = (self.app, self.listen.clone(), self.supervisor.read_timeout());
        let (health_check, requests) = (self.health_listen.clone().zip(app.health_path()), apps.clone());
        let opening = apps.spawn(async move {
            let calls = ConcurrencyLimit::new(app.settings.max_multiplexing());
            let router = router::build(app, Arc::clone(&instance), Arc::clone(&calls));
            let surrounded = app.surround(router.clone());
            let listener = Listener::bind(listen).await?;
            // After everything else that can fail, so that nothing that holds the app is left behind.
            let health_listener = match health_check {
                Some((address, path)) => {
                    Some(HealthListener::start(address, router, path, Arc::clone(&calls), &requests).await?)
                }
                None => None,
            };
            let server = Server::start(listener, surrounded, timeout);
            Ok(Serving { server, health_listener, calls, instance })
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
