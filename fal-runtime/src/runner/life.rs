use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fal_health::protocol::ListenAddress;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinError;

use super::signals::Signals;
use super::stop::{Serving, stop, tear_down};
use super::{Exit, Keeper, limit};
use crate::app::runner_state::{self, RunnerState};
use crate::server::{HealthListener, Listener, Server};
use crate::{ConcurrencyLimit, Declaration, Error, Instance, router};

/// What a runner has to know to live.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) app: &'static Declaration,
    pub(crate) listen: ListenAddress,
    /// Where the host's checks are answered; none where they come with the requests.
    pub(crate) lane: Option<ListenAddress>,
    /// How long after SIGTERM it will be killed.
    pub(crate) grace: Duration,
    pub(crate) keeper: Keeper,
}

impl Life {
    /// Lives it from `setup` to the end. Blocks for as long as that takes.
    pub(crate) fn live(self) -> Exit {
        // A thread of its own, since the caller may be on a runtime, where none can be driven.
        thread::scope(|scope| {
            let lifecycle = thread::Builder::new().name("fal-lifecycle".to_owned());
            match lifecycle.spawn_scoped(scope, || self.drive()) {
                // A panic has been told of by its hook.
                Ok(life) => life.join().unwrap_or(Exit::NotStarted),
                Err(error) => self.keeper.not_started(&Error::from(error)),
            }
        })
    }

    /// All that is the app's runs on a runtime of its own, and what watches over it (signals, the limit of the grace
    /// period) on this thread: so code that blocks every thread it can get is still seen to stop too late, and named.
    fn drive(&self) -> Exit {
        let own = Builder::new_current_thread().enable_all().build();
        let apps = Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(limit::blocking_threads(self.app.settings.max_multiplexing()))
            .thread_name("fal-runner")
            .build();
        match (own, apps) {
            (Ok(own), Ok(apps)) => {
                let exit = own.block_on(self.run(apps.handle()));
                // What still runs is abandoned (S38, S42).
                apps.shutdown_background();
                exit
            }
            (Err(error), _) | (_, Err(error)) => self.keeper.not_started(&Error::from(error)),
        }
    }

    async fn run(&self, apps: &Handle) -> Exit {
        let mut signals = match Signals::take(&self.keeper) {
            Ok(signals) => signals,
            Err(error) => return self.keeper.not_started(&Error::from(error)),
        };
        runner_state::set(RunnerState::Setup);
        let instance = match self.set_up(apps, &mut signals).await {
            Ok(instance) => instance,
            Err(exit) => return exit,
        };
        let serving = match self.open(apps, Arc::clone(&instance)).await {
            Ok(serving) => serving,
            Err(error) => return self.close(&error, instance, apps, &mut signals).await,
        };
        drop(instance);
        runner_state::set(RunnerState::Running);
        self.keeper.ready(self.app, serving.server.address());
        signals.first().await;
        runner_state::set(RunnerState::Terminating);
        stop(self.app, serving, limit::own_limit(self.grace), apps, &mut signals).await
    }

    async fn set_up(&self, apps: &Handle, signals: &mut Signals) -> Result<Instance, Exit> {
        let (set_up, cx) = (self.app.setup, self.keeper.setup());
        let mut task = apps.spawn(async move { set_up(cx).await });
        let made = tokio::select! {
            biased;
            made = &mut task => made,
            signal = signals.first() => {
                // Waited for, so that what an async setup holds is dropped; one that blocks its thread is not.
                task.abort();
                tokio::select! {
                    _ = task => {}
                    () = tokio::time::sleep(limit::own_limit(self.grace)) => {}
                    insisted = signals.insisted() => return Err(Exit::Signalled(insisted)),
                }
                return Err(Exit::Signalled(signal));
            }
        };
        match made.unwrap_or_else(|task| Err(lost(task))) {
            Ok(instance) => Ok(instance),
            Err(error) => Err(self.keeper.setup_failed(self.app, &error)),
        }
    }

    async fn open(&self, apps: &Handle, instance: Instance) -> Result<Serving, Error> {
        let (app, listen, timeout) = (self.app, self.listen.clone(), self.keeper.read_timeout());
        let (lane, requests) = (self.lane.clone().zip(app.health_path()), apps.clone());
        let opening = apps.spawn(async move {
            let calls = ConcurrencyLimit::new(app.settings.max_multiplexing());
            let router = router::build(app, Arc::clone(&instance), Arc::clone(&calls));
            let surrounded = app.surround(router.clone());
            let listener = Listener::bind(listen).await?;
            // Last of what can fail: nothing that holds the app is left behind.
            let lane = match lane {
                Some((address, health)) => {
                    Some(HealthListener::start(address, router, health, Arc::clone(&calls), &requests).await?)
                }
                None => None,
            };
            let server = Server::start(listener, surrounded, timeout);
            Ok(Serving { server, lane, calls, instance })
        });
        opening.await.unwrap_or_else(|task| Err(lost(task)))
    }

    /// Nothing listens: what `setup` has made is taken down again.
    async fn close(&self, error: &Error, instance: Instance, apps: &Handle, signals: &mut Signals) -> Exit {
        let exit = self.keeper.not_started(error);
        let limit = limit::own_limit(self.grace);
        match tokio::time::timeout(limit, tear_down(self.app, instance, apps, signals)).await {
            Ok(signalled @ Exit::Signalled(_)) => signalled,
            Ok(_) => exit,
            Err(_) => {
                tracing::error!("teardown is cut short: after {limit:?} it has not ended");
                exit
            }
        }
    }
}

/// What became of a task of the app's that has no result.
pub(super) fn lost(task: JoinError) -> Error {
    match task.try_into_panic() {
        Ok(panic) => Error::panicked(&*panic),
        Err(cancelled) => cancelled.into(),
    }
}
