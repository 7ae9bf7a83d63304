//! The thread of the admin interface and the probes. It is not the control thread, so that a long answer delays no check.

use std::io;
use std::thread::JoinHandle;

use axum::Router;
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::admin::{self, AdminListener, StdListener};

/// Interfaces that are to be served.
#[derive(Debug)]
pub(super) struct AdminThread {
    runtime: Runtime,
    interfaces: Vec<(AdminListener, Router)>,
}

/// Ends the thread when it is dropped, and waits for its end.
#[derive(Debug)]
pub(super) struct AdminThreadGuard {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AdminThread {
    /// Takes listeners and what they serve. `None` without any.
    pub(super) fn new(interfaces: Vec<(StdListener, Router)>) -> io::Result<Option<Self>> {
        if interfaces.is_empty() {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The listeners move to the reactor of the thread.
        let move_to_thread = |(listener, router): (StdListener, _)| {
            let _reactor = runtime.enter();
            Ok((listener.register()?, router))
        };
        let interfaces = interfaces.into_iter().map(move_to_thread).collect::<io::Result<_>>()?;
        Ok(Some(Self { runtime, interfaces }))
    }

    pub(super) fn spawn(self) -> io::Result<AdminThreadGuard> {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("fal-host-admin".to_owned()).spawn(move || {
            self.runtime.block_on(async {
                let serving =
                    self.interfaces.into_iter().map(|(listener, router)| admin::serve(listener, router));
                tokio::select! {
                    _ = join_all(serving) => {}
                    // An error means that the guard was dropped.
                    _ = stopped => {}
                }
            });
        })?;
        Ok(AdminThreadGuard { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for AdminThreadGuard {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was printed.
            let _ = thread.join();
        }
    }
}
