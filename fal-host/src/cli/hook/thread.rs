//! The thread of a hook, so that a slow hook costs the host nothing.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::future::join;
use tokio::sync::{oneshot, watch};

use super::delivery::Delivery;
use super::destination::EventHook;
use super::queue::HookQueue;
use crate::event_log::EventLog;
use crate::launch::keep_children_of_this_thread;
use crate::own_runtime;

/// How long the end of the host waits for the last events to be delivered.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Delivers the events of a host to a hook, once the host serves.
#[derive(Debug)]
pub(in crate::cli) struct HookThread {
    serves: Option<oneshot::Sender<Arc<EventLog>>>,
    stopped: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl HookThread {
    /// Starts the thread, which waits for [`Self::begin`].
    pub(in crate::cli) fn spawn(hook: EventHook, app: &str) -> io::Result<Self> {
        let runtime = own_runtime::with_blocking_threads()?;
        let stopped = watch::Sender::new(false);
        let (serves, log) = oneshot::channel();
        let app = app.to_owned();
        let (filled_until, mut ended) = (stopped.subscribe(), stopped.subscribe());
        let delivery = Delivery { hook, stopped: stopped.subscribe() };
        let thread = own_runtime::drive(
            thread::Builder::new().name("fal-host-hook".to_owned()),
            runtime,
            move |runtime| {
                keep_children_of_this_thread();
                runtime.block_on(async {
                // An error means that the host has ended before it served.
                let Ok(log) = log.await else { return };
                let (queue, queued) = HookQueue::new(app, log);
                let late = async {
                    // An error means that the sender was dropped.
                    let _ = ended.wait_for(|ended| *ended).await;
                    tokio::time::sleep(LAST_EVENTS).await;
                };
                tokio::select! {
                    _ = join(queue.fill(filled_until), delivery.run(queued)) => {}
                    () = late => tracing::warn!("the host ends before its last events are delivered to the event hook"),
                }
            });
                // A name that is being resolved is not waited for.
                runtime.shutdown_background();
            },
        )?;
        Ok(Self { serves: Some(serves), stopped, thread })
    }

    /// Delivers the events in this log, from its start on.
    pub(in crate::cli) fn begin(&mut self, log: Arc<EventLog>) {
        if let Some(serves) = self.serves.take() {
            // An error means that the thread has panicked.
            let _ = serves.send(log);
        }
    }

    /// The host has stopped. Waits until the last events are delivered, for two seconds at most.
    pub(in crate::cli) fn finish(self) {
        drop(self.serves);
        self.stopped.send_replace(true);
        // A panic of it was printed.
        let _ = self.thread.join();
    }
}
