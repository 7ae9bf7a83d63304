use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinError;

use super::keeper::with_causes;
use super::signals::Signals;
use super::stop::{Serving, stop};
use super::{Exit, Keeper, RunnerState, limit, state};
use crate::server::{ListenAddress, Listener, Server};
use crate::{Calls, Declaration, Instance};

/// What a runner has to know to live.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) app: &'static Declaration,
    pub(crate) listen: ListenAddress,
    /// How long after SIGTERM it will be killed.
    pub(crate) grace: Duration,
    pub(crate) keeper: Keeper,
}

impl Life {
    /// Lives it from `setup` to the end. Blocks for as long as that takes; not to be called on a tokio runtime.
    ///
    /// All that is the app's runs on a runtime of its own, and what watches over it (signals, the limit of the grace
    /// period) on this thread: so code that blocks every thread it can get is still seen to stop too late, and named.
    pub(crate) fn live(self) -> Exit {
        let own = Builder::new_current_thread().enable_all().build();
        let apps = Builder::new_multi_thread().enable_all().thread_name("fal-runner").build();
        match (own, apps) {
            (Ok(own), Ok(apps)) => {
                let exit = own.block_on(self.run(apps.handle()));
                // What still runs is abandoned (S38, S42).
                apps.shutdown_background();
                exit
            }
            (Err(error), _) | (_, Err(error)) => self.keeper.not_started(&with_causes(error)),
        }
    }

    async fn run(self, apps: &Handle) -> Exit {
        let mut signals = match Signals::take(&self.keeper) {
            Ok(signals) => signals,
            Err(error) => return self.keeper.not_started(&with_causes(error)),
        };
        if let problems @ [_, ..] = &*self.app.problems() {
            return self.keeper.not_started(&problems.join("\nerror: "));
        }
        state::set(RunnerState::Setup);
        let instance = match self.set_up(apps, &mut signals).await {
            Ok(instance) => instance,
            Err(exit) => return exit,
        };
        let serving = match self.open(apps, instance).await {
            Ok(serving) => serving,
            Err(exit) => return exit,
        };
        state::set(RunnerState::Running);
        self.keeper.ready(self.app, serving.server.address());
        signals.first().await;
        state::set(RunnerState::Terminating);
        stop(self.app, serving, limit::own_limit(self.grace), apps, &mut signals).await
    }

    async fn set_up(&self, apps: &Handle, signals: &mut Signals) -> Result<Instance, Exit> {
        let set_up = self.app.setup;
        let mut task = apps.spawn(async move { set_up().await });
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
        let error = match made {
            Ok(Ok(instance)) => return Ok(instance),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panicked(panic),
        };
        Err(self.keeper.setup_failed(self.app, &error))
    }

    async fn open(&self, apps: &Handle, instance: Instance) -> Result<Serving, Exit> {
        let (app, listen, timeout) = (self.app, self.listen.clone(), self.keeper.read_timeout());
        let opening = apps.spawn(async move {
            let calls = Calls::new(app.settings.max_multiplexing());
            let router = app.router(Arc::clone(&instance), Arc::clone(&calls));
            let listener = Listener::bind(listen).await?;
            Ok(Serving { server: Server::start(listener, router, timeout), calls, instance })
        });
        match opening.await {
            Ok(Ok(serving)) => Ok(serving),
            Ok(Err(error)) => {
                let error: crate::server::ListenError = error;
                Err(self.keeper.not_started(&with_causes(error)))
            }
            Err(panic) => Err(self.keeper.not_started(&panicked(panic))),
        }
    }
}

/// What a task of the app's panicked with.
pub(super) fn panicked(error: JoinError) -> String {
    let payload = match error.try_into_panic() {
        Ok(payload) => payload,
        Err(cancelled) => return cancelled.to_string(),
    };
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("it panicked: {message}")
}
