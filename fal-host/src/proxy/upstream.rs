//! One connection to a runner, from the side that sends requests.

use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::connection::{Link, Wire, drive};
use super::runner::Runner;
use super::slot::Slot;
use crate::address::connect;

/// A connection that serves no request. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Handle {
    sender: SendRequest<Incoming>,
    link: Arc<Link>,
    abandon: oneshot::Sender<Slot>,
}

/// Opens a connection to a runner.
pub(super) async fn open(runner: &Runner) -> io::Result<Handle> {
    let stream = connect(&runner.address).await?;
    let link = Arc::new(Link::new());
    let wire = Wire::new(stream, Arc::clone(&link));
    // Messages are mostly small: one copy into one buffer costs less than a vectored write.
    let (sender, connection) =
        http1::Builder::new().writev(false).handshake(TokioIo::new(wire)).await.map_err(io::Error::other)?;
    let (abandon, abandoned) = oneshot::channel();
    tokio::spawn(drive(connection, Arc::clone(&link), abandoned));
    Ok(Handle { sender, link, abandon })
}

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing of it was written: it can be sent elsewhere (S39).
    Unsent(Box<Request<Incoming>>, Slot),
    /// It was written, at least in part.
    Lost(hyper::Error),
    /// It has taken too long. Dropping the exchange abandons it.
    Overdue(Exchange),
}

impl Handle {
    /// Whether a request can be sent at once.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request, and waits for the head of the response, until `overdue` resolves. When this future is
    /// dropped, the request is abandoned.
    pub(super) async fn send(
        mut self,
        request: Request<Incoming>,
        slot: Slot,
        overdue: impl Future<Output = ()>,
    ) -> Result<(Response<Incoming>, Exchange), Unanswered> {
        self.link.begin();
        let sent = {
            let _excluded = self.link.exclude();
            self.sender.try_send_request(request)
        };
        let mut exchange = Exchange { parts: Some((self, slot)) };
        let outcome = tokio::select! {
            biased;
            outcome = sent => outcome,
            () = overdue => return Err(Unanswered::Overdue(exchange)),
        };
        let mut error = match outcome {
            Ok(response) => return Ok((response, exchange)),
            Err(error) => error,
        };
        match (error.take_message(), exchange.parts.take()) {
            (Some(request), Some((_, slot))) => Err(Unanswered::Unsent(Box::new(request), slot)),
            (_, parts) => {
                exchange.parts = parts;
                let error = error.into_error();
                exchange.lost(&error);
                Err(Unanswered::Lost(error))
            }
        }
    }

    /// Keeps the connection for the next request, and then gives the slot back, so that whoever gets the slot finds
    /// the connection.
    fn rest(self, slot: Slot) {
        self.link.end();
        let runner = Arc::clone(slot.runner());
        runner.push(self);
        drop(slot);
    }
}

/// A connection that serves a request, with the request's slot. Dropping it before [`finish`](Self::finish) abandons
/// the request: the connection closes, and keeps the slot until the runner has closed it too (S38).
#[derive(Debug)]
pub(super) struct Exchange {
    parts: Option<(Handle, Slot)>,
}

impl Exchange {
    /// One of whose request nothing has been written yet.
    #[cfg(test)]
    pub(super) fn unwritten(handle: Handle, slot: Slot) -> Self {
        handle.link.begin();
        Self { parts: Some((handle, slot)) }
    }

    /// The response asks for a check (S27).
    pub(super) fn ask(&mut self) {
        if let Some((_, slot)) = &mut self.parts {
            slot.ask();
        }
    }

    /// The runner may be wedged, and is to be checked.
    pub(super) fn suspect(&mut self) {
        if let Some((_, slot)) = &mut self.parts {
            slot.suspect();
        }
    }

    /// The response will not come, or not whole. Dropping the exchange abandons the request.
    pub(super) fn lost(&self, why: &hyper::Error) {
        // The client's body that ends too early, and an answer that is no HTTP, come from a runner that lives.
        let has_broken_off = !why.is_user() && !why.is_parse();
        if let Some((_, slot)) = self.parts.as_ref().filter(|_| has_broken_off) {
            slot.doubt();
        }
    }

    /// The response has ended: the connection is kept for the next request, and the slot is given back.
    pub(super) fn finish(mut self) {
        let Some((mut handle, slot)) = self.parts.take() else { return };
        if handle.is_ready() {
            handle.rest(slot);
        } else if !handle.sender.is_closed() {
            // The request's body is still being sent, or its last bytes are.
            tokio::spawn(async move {
                if handle.sender.ready().await.is_ok() {
                    handle.rest(slot);
                }
            });
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some((handle, slot)) = self.parts.take() {
            // If nobody drives the connection any more, the slot comes back, and drops.
            drop(handle.abandon.send(slot));
        }
    }
}
