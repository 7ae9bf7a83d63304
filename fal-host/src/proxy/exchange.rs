//! One request in flight: its connection to a runner together with its permit.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;

use super::client::Client;
use super::permit::Permit;
use super::request_body::RequestBody;
use super::timer::Wait;
use super::tunnel::Tunnel;
use super::upstream::Upstream;

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing of it was written: it can be sent elsewhere (S39b).
    Unsent(Box<Request<RequestBody>>, Permit),
    /// It was written, at least in part.
    Lost(hyper::Error),
    /// It has reached `request_timeout`. Dropping the exchange abandons it.
    Overdue(Exchange),
}

/// A connection that serves a request, with the request's permit.
///
/// Dropping it before [`finish`](Self::finish) abandons the request: the connection closes, and keeps the permit until
/// the runner has closed it too (S38b).
#[derive(Debug)]
pub(super) struct Exchange {
    parts: Option<(Upstream, Permit)>,
    client: Arc<Client>,
    /// Whether the connection may serve another request.
    reusable: bool,
}

impl Exchange {
    /// An exchange that has written nothing of its request yet.
    #[cfg(test)]
    pub(super) const fn unwritten(upstream: Upstream, permit: Permit, client: Arc<Client>) -> Self {
        Self { parts: Some((upstream, permit)), client, reusable: true }
    }

    /// Sends a request, and waits for the head of the response. Dropping the future abandons the request.
    pub(super) async fn send(
        mut upstream: Upstream,
        permit: Permit,
        request: Request<RequestBody>,
        client: &Arc<Client>,
    ) -> Result<(Response<Incoming>, Self), Unanswered> {
        let mut sent = pin!(upstream.send(request));
        let mut exchange =
            Self { parts: Some((upstream, permit)), client: Arc::clone(client), reusable: true };
        if let Some(ticks) = client.limits.response {
            client.timer.start(Wait::Response, ticks);
        }
        let outcome = poll_fn(|cx| {
            let Some((upstream, _)) = &mut exchange.parts else { return Poll::Pending };
            match upstream.poll_sent(sent.as_mut(), cx) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => client.timer.poll(Wait::Response, cx).map(|()| None),
            }
        })
        .await;
        client.timer.stop(Wait::Response);
        let mut error = match outcome {
            None => return Err(Unanswered::Overdue(exchange)),
            Some(Ok(response)) => {
                // A runner that answers early may not read the rest of the request.
                exchange.reusable = client.has_uploaded();
                return Ok((response, exchange));
            }
            Some(Err(error)) => error,
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

    /// Lets the connection read and write what it can.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) {
        if let Some((upstream, _)) = &mut self.parts {
            upstream.poll_drive(cx);
        }
    }

    /// Sets how long the runner keeps an idle connection, if it says so.
    pub(super) fn keep_for(&mut self, timeout: Option<Duration>) {
        if let (Some((upstream, _)), Some(_)) = (&mut self.parts, timeout) {
            upstream.keep_alive = timeout;
        }
    }

    /// The runner has switched protocols: what follows on its connection is for the client. Returns nothing if the
    /// connection has not ended as one that has switched does.
    pub(super) fn into_tunnel(mut self, id: HeaderValue) -> Option<Tunnel> {
        let (upstream, permit) = self.parts.take()?;
        let (stream, received) = upstream.into_switched()?;
        Some(Tunnel { stream, received, permit, id })
    }

    pub(super) const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The response asks for a check (S27).
    pub(super) fn ask(&mut self) {
        if let Some((_, permit)) = &mut self.parts {
            permit.ask();
        }
    }

    /// The response asks for the stop of its runner (S58).
    pub(super) fn stop_runner(&self) {
        if let Some((_, permit)) = &self.parts {
            permit.stop_runner();
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

    /// The response has ended: the connection returns to the pool if it can be used again, and the permit is released.
    /// The rest of the request, if the client still sends it, is of no use any more.
    pub(super) fn finish(mut self, cx: &mut Context<'_>) {
        let Some((mut upstream, permit)) = self.parts.take() else { return };
        if self.reusable {
            if !upstream.is_ready() {
                upstream.poll_drive(cx);
            }
            if upstream.is_ready() {
                upstream.idle_since = self.client.timer.clock().now();
                // The next request that gets the permit finds the connection.
                permit.runner().push(upstream);
            }
        }
        drop(permit);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some((upstream, permit)) = self.parts.take()
            && let Some(stream) = upstream.into_stream()
            && stream.is_written()
        {
            tokio::spawn(async move {
                stream.wait_until_closed().await;
                drop(permit);
            });
        }
    }
}
