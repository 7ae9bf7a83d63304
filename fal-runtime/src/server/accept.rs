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

/// The first pause after a failure to accept; it doubles with every further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(10);

/// The longest pause. Descriptors come free when connections end, which nothing announces.
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
    /// Serves from now on, on the runtime that this is called in.
    pub(crate) fn start(listener: Listener, router: Router, timeout: ReadTimeout) -> Self {
        let address = listener.address();
        let draining = Arc::default();
        let (closing, closed) = watch::channel(Closing::NotYet);
        let (stop, stopped) = oneshot::channel();
        let connections = Connections::new(router, timeout, Arc::clone(&draining), closed);
        let accepting = tokio::spawn(accept(listener, connections, stopped));
        Self { address, draining, closing, stop, accepting }
    }

    /// Where it listens; the port is the real one.
    pub(crate) fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Takes no new connections, but those that were made before; the future is ready when the last one has ended
    /// (S42).
    ///
    /// Every response from now on, polled or not, is the last one of its connection. An idle connection is not closed
    /// at once, since a request may be on its way on it: whoever knows that this server stops closes it; else it is
    /// closed after `linger`. All that are left when `cut_off` resolves, which is not looked at before that, are closed
    /// then, whatever they are at.
    pub(crate) fn drain<C>(self, linger: Duration, cut_off: C) -> impl Future<Output = ()> + Send + use<C>
    where
        C: Future<Output = ()> + Send,
    {
        let Self { address: _, draining, closing, stop, accepting } = self;
        draining.store(true, Ordering::Relaxed);
        drop(stop);
        async move {
            // It returns, unless it panicked or the runtime is ending: then there is nothing to wait for.
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
            // The client's doing: it left before it was accepted.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept connections; trying again");
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
        Err(error) => tracing::warn!(%error, "connections that were not yet accepted are lost"),
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | NotConnected)
}
