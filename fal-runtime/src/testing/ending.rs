//! Tears down an app under test.

use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc;

use super::runtime::Background;
use crate::app::{Declaration, Instance};
use crate::block_on::block_on;
use crate::error::Error;
use crate::server::ConcurrencyLimit;

/// Tears down an app under test, on the runtime that ends with it.
pub(super) struct Teardown {
    pub(super) runtime: Background,
    pub(super) rest: StoppingApp,
}

/// An app that is stopping.
pub(super) struct StoppingApp {
    pub(super) app: &'static Declaration,
    pub(super) instance: Instance,
    pub(super) calls: Arc<ConcurrencyLimit>,
    /// Closed when no task of a call is left.
    pub(super) tasks: mpsc::Receiver<()>,
}

impl StoppingApp {
    /// Runs `handle_exit`, waits for running calls, then runs `teardown`, with the same time limit as a runner
    /// (S42).
    async fn end(self) -> Result<(), Error> {
        let Self { app, instance, calls, mut tasks } = self;
        let limit = app.settings.termination_grace_period();
        let ends = async {
            (app.handle_exit)(Arc::clone(&instance)).await;
            // Nothing is sent: this waits until no sender is left.
            while tasks.recv().await.is_some() {}
            calls.idle().await;
        };
        if tokio::time::timeout(limit, ends).await.is_err() {
            let late = match calls.running_paths() {
                running if running.is_empty() => "handle_exit has not returned".to_owned(),
                running => format!("calls still run: {}", running.join(", ")),
            };
            return Err(Error::msg(format!("teardown was skipped: after {limit:?}, {late}")));
        }
        (app.teardown)(instance).await
    }
}

/// Tears down the app when it is dropped.
pub(super) struct TeardownGuard(Option<Teardown>);

impl TeardownGuard {
    pub(super) fn new(ending: Teardown) -> Self {
        Self(Some(ending))
    }

    pub(super) async fn end(mut self) -> Result<(), Error> {
        match self.0.take() {
            Some(ending) => ending.run().await,
            None => Ok(()),
        }
    }
}

impl Teardown {
    async fn run(self) -> Result<(), Error> {
        self.runtime.spawn(self.rest.end()).await
    }
}

impl Drop for TeardownGuard {
    #[expect(clippy::panic, reason = "a test whose app cannot be torn down fails")]
    fn drop(&mut self) {
        let Some(ending) = self.0.take() else { return };
        let ended = block_on(Box::pin(ending.run()));
        if let (Err(error), false) = (ended, thread::panicking()) {
            panic!("the app under test was not torn down: {error}");
        }
    }
}
