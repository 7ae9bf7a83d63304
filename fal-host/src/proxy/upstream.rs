//! One connection to a runner, from the side that sends requests.

use std::any::Any;
use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::connection::{Guard, TrackedStream, WriteState, drive};
use crate::Address;
use crate::connect::connect;

/// A connection that serves no request. Dropping it closes it.
#[derive(Debug)]
pub(super) struct PooledConnection {
    sender: SendRequest<Incoming>,
    state: Arc<WriteState>,
    abandon: oneshot::Sender<Guard>,
}

/// Opens a connection to a runner.
pub(super) async fn open(address: &Address) -> io::Result<PooledConnection> {
    let stream = connect(address).await?;
    let state = Arc::new(WriteState::new());
    let stream = TrackedStream::new(stream, Arc::clone(&state));
    // Messages are mostly small: one copy into one buffer costs less than a vectored write.
    let (sender, connection) = http1::Builder::new()
        .writev(false)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let (abandon, abandoned) = oneshot::channel();
    tokio::spawn(drive(connection, Arc::clone(&state), abandoned));
    Ok(PooledConnection { sender, state, abandon })
}

impl PooledConnection {
    /// A request is about to be sent.
    pub(super) fn begin(&self) {
        self.state.begin();
    }

    /// The response has ended.
    pub(super) fn end(&self) {
        self.state.end();
    }

    /// Whether a request can be sent at once.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until a request can be sent. Returns whether that will ever be.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request.
    pub(super) fn try_send(
        &mut self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Incoming>>>> + use<> {
        self.state.begin();
        let _excluded = self.state.exclude();
        self.sender.try_send_request(request)
    }

    /// Closes the connection of a request that is given up. `guard` is dropped when the runner has closed it too, or at
    /// once where the request was not written.
    pub(super) fn abandon(self, guard: impl Any + Send) {
        // Without a driver, the guard comes back, and drops.
        drop(self.abandon.send(Guard::new(guard)));
    }
}
