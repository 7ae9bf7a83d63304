//! One request in flight: its connection to a runner together with its permit.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use http::Response;
use http_body::{Frame, SizeHint};

use super::abandoned::abandon;
use super::client::Client;
use super::on_overdue::OnOverdue;
use super::permit::Permit;
use super::request_body::RequestBody;
use super::request_id::RequestIdField;
use super::timer::{FOREVER, Wait};
use super::tunnel::Tunnel;
use super::upstream::{Outgoing, Upstream, UpstreamError};
use super::uptake::{LateSide, Uptake};
use super::writer::{DeferredRequestKey, Writer};
use crate::fleet::Reason;

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing of it was written: it can be sent elsewhere (S39b).
    Unsent(Box<Outgoing>, Permit),
    /// It was written, at least in part, or the client has broken it off. What of its body may be sent again.
    /// And why the host ended its runner, if it did.
    Lost(UpstreamError, RequestBody, Option<Reason>),
    /// It has reached `request_timeout`. Dropping the exchange abandons it.
    Overdue(Exchange, LateSide),
}

/// A connection that serves a request, with the request's permit.
///
/// Dropping it before [`finish`](Self::finish) abandons the request: the connection closes, and keeps the permit until
/// the runner has closed it too (S38b).
#[derive(Debug)]
pub(super) struct Exchange {
    /// `None` once it has ended.
    parts: Option<(Box<Upstream>, Permit)>,
    client: Arc<Client>,
    /// Names the parts in the thread's writer while the write of the request is deferred.
    deferred: Option<DeferredRequestKey>,
    /// Whether the connection may serve another request.
    reusable: bool,
    /// Whether the head of the response has arrived.
    answered: bool,
}

impl Exchange {
    /// An exchange that has written nothing of its request yet.
    pub(super) const fn unwritten(upstream: Box<Upstream>, permit: Permit, client: Arc<Client>) -> Self {
        let parts = Some((upstream, permit));
        Self { parts, client, deferred: None, reusable: true, answered: false }
    }

    /// Sends the request that the connection has begun, and waits for the head of the response. Dropping the future abandons
    /// the request.
    pub(super) async fn send(mut self) -> Result<(Response<()>, Self), Unanswered> {
        let client = &self.client;
        let limit = client.limits.response.unwrap_or(FOREVER);
        let mut uptake = Uptake::new(client.timer.clock().now(), limit);
        if let Some(limit) = client.limits.response {
            client.timer.start(Wait::Response, if client.has_uploaded() { limit } else { 1 });
        }
        if let Some((upstream, _)) = self.parts.as_mut().filter(|_| Writer::of(&client.thread).is_some()) {
            upstream.allow_deferral();
        }
        let outcome = poll_fn(|cx| {
            self.end_deferral();
            let Self { parts: Some((upstream, permit)), client, .. } = &mut self else {
                return Poll::Pending;
            };
            let had_uploaded = client.has_uploaded();
            if !had_uploaded {
                look(&mut uptake, client, upstream);
            }
            if let Poll::Ready(outcome) = upstream.poll_response(client, cx) {
                return Poll::Ready(Ok(outcome));
            }
            if !had_uploaded {
                look(&mut uptake, client, upstream);
            }
            if client.has_uploaded() != had_uploaded {
                // Its time begins again (S43b).
                permit.end_overdue();
            }
            let overdue = match client.timer.poll(Wait::Response, cx) {
                Poll::Ready(()) => poll_overdue(client, upstream, permit, &mut uptake),
                Poll::Pending => Poll::Pending,
            };
            if overdue.is_pending() {
                self.defer(cx);
            }
            overdue.map(Err)
        })
        .await;
        self.client.timer.stop(Wait::Response);
        if let Some((upstream, permit)) = &mut self.parts
            && upstream.has_begun()
        {
            permit.mark_used();
        }
        let error = match outcome {
            Err(late) => return Err(Unanswered::Overdue(self, late)),
            Ok(Ok(response)) => {
                // A runner that answers early may not read the rest of the request.
                self.reusable = self.client.has_uploaded();
                self.answered = true;
                if let Some((_, permit)) = &mut self.parts {
                    permit.begin_response();
                }
                return Ok((response, self));
            }
            Ok(Err(error)) => error,
        };
        match self.parts.take() {
            Some((upstream, permit)) if error.is_broken_off() && !upstream.has_begun() => {
                Err(Unanswered::Unsent(Box::new(upstream.into_unsent()), permit))
            }
            mut parts => {
                let body = parts.as_mut().map(|(upstream, _)| upstream.take_request_body());
                let reason = parts.as_ref().and_then(|(_, permit)| permit.ended_by_host());
                self.parts = parts;
                self.lost(&error);
                Err(Unanswered::Lost(error, body.unwrap_or_default(), reason))
            }
        }
    }

    /// Defers the write of the request, if its connection allows that.
    fn defer(&mut self, cx: &Context<'_>) {
        let Some(writer) = Writer::of(&self.client.thread) else { return };
        let Some(parts) = self.parts.take_if(|(upstream, _)| upstream.is_deferred()) else { return };
        match writer.defer_request(parts, cx.waker()) {
            Ok(deferred) => self.deferred = Some(deferred),
            Err((mut upstream, permit)) => {
                upstream.end_deferral();
                self.parts = Some((upstream, permit));
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Takes back the request whose write was deferred, whether it was written or not.
    fn end_deferral(&mut self) {
        if let Some(deferred) = self.deferred.take() {
            self.parts = Writer::of(&self.client.thread).and_then(|writer| writer.take_request(deferred));
            if let Some((upstream, _)) = &mut self.parts {
                upstream.end_deferral();
            }
        }
    }

    /// The next part of the response's body. At its end the exchange is finished. `take` removes this many bytes
    /// from the buffer.
    pub(super) fn poll_part<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut BytesMut, usize) -> T,
    ) -> Poll<Option<Result<Frame<T>, UpstreamError>>> {
        let Some((upstream, _)) = &mut self.parts else { return Poll::Ready(None) };
        let part = upstream.poll_part(&self.client, cx, take);
        if let Poll::Ready(Some(Err(error))) = &part {
            self.lost(error);
        }
        self.finish_at_end();
        part
    }

    /// How much of the response's body follows.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.parts.as_ref().map_or_else(|| SizeHint::with_exact(0), |(upstream, _)| upstream.size_hint())
    }

    /// Whether the response has ended, and with it the exchange.
    pub(super) const fn is_finished(&self) -> bool {
        self.parts.is_none()
    }

    /// Sets how long the runner keeps an idle connection, if it says so.
    pub(super) fn keep_for(&mut self, timeout: Option<Duration>) {
        if let (Some((upstream, _)), Some(_)) = (&mut self.parts, timeout) {
            upstream.keep_alive = timeout;
        }
    }

    /// The runner has switched protocols: what follows on its connection is for the client.
    pub(super) fn into_tunnel(mut self, id: RequestIdField) -> Option<Tunnel> {
        let (upstream, permit) = self.parts.take()?;
        let (stream, received) = upstream.into_stream();
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

    /// The runner has not begun to answer in time (S53a).
    pub(super) fn mark_overdue(&mut self) {
        if let Some((_, permit)) = &mut self.parts {
            permit.mark_overdue();
        }
    }

    /// Finishes the exchange if the response has ended: the connection returns to the pool if it can be used again, and the
    /// permit is released. The rest of the request, if the client still sends it, is of no use any more.
    pub(super) fn finish_at_end(&mut self) {
        let Some((mut upstream, permit)) = self.parts.take_if(|(upstream, _)| upstream.is_ended()) else {
            return;
        };
        self.client.transfers.release_permit();
        let is_reusable = upstream.finish() && self.reusable;
        upstream.idle_since = self.client.timer.clock().now();
        permit.finish(Some(upstream).filter(|_| is_reusable));
    }

    /// The response will not come, or not whole. Dropping the exchange abandons the request.
    fn lost(&self, why: &UpstreamError) {
        // A client that breaks off its upload and a malformed response say nothing about the runner's process.
        if let Some((_, permit)) = self.parts.as_ref().filter(|_| why.is_broken_off()) {
            permit.eject();
            permit.lose();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end_deferral();
        if let Some((upstream, mut permit)) = self.parts.take()
            && upstream.has_begun()
        {
            permit.mark_used();
            let overdue_after = permit.overdue_after().filter(|_| !self.answered);
            let (stream, _) = upstream.into_stream();
            tokio::spawn(abandon(permit, stream, overdue_after));
        }
    }
}

/// Notes what the runner has taken of a request that is not complete, if that has a time limit.
fn look(uptake: &mut Uptake, client: &Client, upstream: &Upstream) {
    let now = client.timer.clock().now();
    if client.limits.response.is_some() && uptake.is_idle(now) {
        uptake.look(now, upstream.written(), upstream.unread());
    }
}

/// A time limit of the request has passed, or a tick while its body arrives: it ends now, or waits on.
fn poll_overdue(
    client: &Client,
    upstream: &Upstream,
    permit: &mut Permit,
    uptake: &mut Uptake,
) -> Poll<LateSide> {
    let ends = client.limits.on_overdue == OnOverdue::End;
    if client.has_uploaded() {
        client.timer.stop(Wait::Response);
    } else {
        // Each tick shows whether the runner takes more of the body.
        client.timer.start(Wait::Response, 1);
        let now = client.timer.clock().now();
        let awaits_client = client.is_awaited() && upstream.unread() == 0;
        if client.awaits_continue() {
            // The host has not asked for the body yet (S45h).
            uptake.restart(now);
        } else if awaits_client {
            uptake.await_client(now);
        }
        if !uptake.is_due(now) {
            return Poll::Pending;
        }
        if ends && awaits_client {
            return Poll::Ready(LateSide::Client);
        }
        if !uptake.is_overdue(now) {
            permit.end_overdue();
            return Poll::Pending;
        }
    }
    if ends {
        return Poll::Ready(LateSide::Runner);
    }
    permit.mark_overdue();
    Poll::Pending
}
