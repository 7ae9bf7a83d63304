//! One request in flight: its connection to a runner together with its permit.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use super::permit::Permit;
use super::upstream::PooledConnection;

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing of it was written: it can be sent elsewhere (S39).
    Unsent(Box<Request<Incoming>>, Permit),
    /// It was written, at least in part.
    Lost(hyper::Error),
    /// It has taken too long. Dropping the exchange abandons it.
    Overdue(Exchange),
}

/// A connection that serves a request, with the request's permit.
///
/// Dropping it before [`finish`](Self::finish) abandons the request: the connection closes, and keeps the permit until
/// the runner has closed it too (S38).
#[derive(Debug)]
pub(super) struct Exchange {
    parts: Option<(PooledConnection, Permit)>,
}

impl Exchange {
    /// An exchange that has written nothing of its request yet.
    pub(super) fn begin(connection: PooledConnection, permit: Permit) -> Self {
        connection.begin();
        Self { parts: Some((connection, permit)) }
    }

    /// Sends a request, and waits for the head of the response, until `overdue` resolves. Dropping the future abandons
    /// the request.
    pub(super) async fn send(
        mut connection: PooledConnection,
        permit: Permit,
        request: Request<Incoming>,
        overdue: impl Future<Output = ()>,
    ) -> Result<(Response<Incoming>, Self), Unanswered> {
        let sent = connection.try_send(request);
        let mut exchange = Self::begin(connection, permit);
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
            (Some(request), Some((_, permit))) => Err(Unanswered::Unsent(Box::new(request), permit)),
            (_, parts) => {
                exchange.parts = parts;
                let error = error.into_error();
                exchange.lost(&error);
                Err(Unanswered::Lost(error))
            }
        }
    }

    /// The response asks for a check (S27).
    pub(super) fn ask(&mut self) {
        if let Some((_, permit)) = &mut self.parts {
            permit.ask();
        }
    }

    /// Requests a check of a runner that may be wedged.
    pub(super) fn request_check(&mut self) {
        if let Some((_, permit)) = &mut self.parts {
            permit.request_check();
        }
    }

    /// The response will not come, or not whole. Dropping the exchange abandons the request.
    pub(super) fn lost(&self, why: &hyper::Error) {
        // A client's body that ends too early and a malformed response say nothing about the runner's process.
        let has_broken_off = !why.is_user() && !why.is_parse();
        if let Some((_, permit)) = self.parts.as_ref().filter(|_| has_broken_off) {
            permit.eject();
        }
    }

    /// The response has ended: the connection is kept for the next request, and the permit is released.
    pub(super) fn finish(mut self) {
        let Some((mut connection, permit)) = self.parts.take() else { return };
        if connection.is_ready() {
            return_to_pool(connection, permit);
        } else if !connection.is_closed() {
            // The request's body is still being sent, or its last bytes are.
            tokio::spawn(async move {
                if connection.ready().await {
                    return_to_pool(connection, permit);
                }
            });
        }
    }
}

/// Pools the connection before the permit is released: the next request of the permit finds the connection.
fn return_to_pool(connection: PooledConnection, permit: Permit) {
    connection.end();
    let runner = Arc::clone(permit.runner());
    runner.push(connection);
    drop(permit);
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some((connection, permit)) = self.parts.take() {
            connection.abandon(permit);
        }
    }
}
