//! A server: accepts connections until it is drained.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use fal_health::protocol::ListenAddress;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::connection::{Closing, Connections, ReadTimeout};
use super::listener::Listener;

/// The first pause after a failure to accept. It doubles with every further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(10);

/// The longest pause. File descriptors become free without notice.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// A listener whose connections are served by a router.
#[derive(Debug)]
pub(crate) struct Server {
    address: ListenAddress,
    draining: Arc<AtomicBool>,
    closing: watch::Sender<Closing>,
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Starts serving on the current runtime.
    pub(crate) fn start(listener: Listener, router: Router, timeout: ReadTimeout) -> Self {
        let address = listener.address();
        let draining = Arc::default();
        let (closing, closed) = watch::channel(Closing::NotYet);
        let (stop, stopped) = oneshot::channel();
        let connections = Connections::new(router, timeout, Arc::clone(&draining), closed);
        let accepting = tokio::spawn(accept(listener, connections, stopped));
        Self { address, draining, closing, stop, accepting }
    }

    /// The address, with the port that the system chose.
    pub(crate) fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// From now on each response closes its connection (S66a).
    pub(crate) fn close_connections(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Stops accepting, except for connections that are already queued. The future is ready when the last
    /// connection has ended (S42).
    ///
    /// Every later response is the last one of its connection. Idle connections stay open for `linger`, since a
    /// request may be on its way. After that, when `cut_off` resolves, all remaining connections are closed.
    /// `cut_off` is not polled before.
    pub(crate) fn drain<C>(self, linger: Duration, cut_off: C) -> impl Future<Output = ()> + Send + use<C>
    where
        C: Future<Output = ()> + Send,
    {
        let Self { address: _, draining, closing, stop, accepting } = self;
        draining.store(true, Ordering::Relaxed);
        drop(stop);
        async move {
            // An error means that the task panicked or the runtime is ending.
            let _ = accepting.await;
            if tokio::time::timeout(linger, closing.closed()).await.is_err() {
                closing.send_replace(Closing::Idle);
                tokio::select! {
                    biased;
                    () = closing.closed() => return,
                    () = cut_off => {}
                }
                closing.send_replace(Closing::All);
                closing.closed().await;
            }
        }
    }
}

async fn accept(listener: Listener, connections: Connections, mut stop: oneshot::Receiver<()>) {
    let mut pause = INITIAL_BACKOFF;
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                pause = INITIAL_BACKOFF;
                connections.spawn(stream);
            }
            // The client disconnected before it was accepted.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept connections; retrying");
                tokio::select! {
                    biased;
                    _ = &mut stop => break,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(MAX_BACKOFF);
            }
        }
    }
    match listener.close() {
        Ok(queued) => queued.into_iter().for_each(|stream| connections.spawn(stream)),
        Err(error) => {
            tracing::warn!(%error, "lost the connections that were queued when the listener closed");
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | NotConnected)
}
