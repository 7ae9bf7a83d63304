//! Sends one request to a runner, and moves it to another one where it was not taken.

use std::error::Error;
use std::io;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use tokio::time::timeout_at;

use super::body::BodySource;
use super::client::Client;
use super::error::ProxyError;
use super::exchange::{Exchange, Unanswered};
use super::limits::ManualChecks;
use super::loss::Loss;
use super::permit::Permit;
use super::queue::QueuePosition;
use super::request_body::{MAX_COPY, RequestBody, RequestBodyError, TooLarge};
use super::request_head::Wishes;
use super::request_id::RequestIdField;
use super::request_record::RequestRecord;
use super::respond::{MayAsk, pass_on, switch};
use super::session::Session;
use super::timer::Wait;
use super::upstream::{AddedFields, Outgoing, Upstream, UpstreamError};
use super::uptake::LateSide;
use super::wait_cause::WaitCause;
use crate::connect::{Pause, is_own_shortage};
use crate::fleet::Reason;

/// Answers a request by a runner, when one has a free permit.
pub(super) async fn route(
    session: &Arc<Session>,
    request: &mut Request<RequestBody>,
    wishes: Wishes,
    id: &RequestIdField,
    record: &mut RequestRecord,
) -> Result<Response<BodySource>, ProxyError> {
    let Session { balancer, client, .. } = &**session;
    let may_ask = match &balancer.limits().manual_checks {
        ManualChecks::Made { health_path } if health_path.is_named_by(request.uri().path()) => MayAsk::No,
        ManualChecks::Made { .. } | ManualChecks::Ignored => MayAsk::Yes,
    };
    let may_retry = balancer.limits().retries.allow_request(request.method(), request.uri().path());
    if may_retry {
        request.body_mut().keep_copy();
    }
    let sender = if wishes.names_sender { "" } else { &client.sender.encoded };
    let added = AddedFields { id, sender };
    let (mut unsent, mut arrival) = (None, None);
    let mut may_stream = wishes.expects_continue || request.body().length().is_none();
    if wishes.expects_continue {
        client.await_continue();
    }
    if !request.body().is_ended() && !may_stream {
        let gathered = request.body_mut().gather(client, || arrival = Some(balancer.arriving.begin())).await;
        gathered.map_err(|error| why_not_whole(client, error))?;
        if arrival.is_some() {
            record.end_gathering();
        }
    }
    let trusted = &balancer.limits().trusted_proxies;
    let mut position = QueuePosition::new(client.sender.client_of(request.headers(), trusted));
    loop {
        let acquired = if std::mem::take(&mut may_stream) {
            Box::pin(acquire_for_stream(&mut position, session, request.body_mut())).await
        } else {
            position.acquire(balancer).await
        };
        drop(arrival.take());
        record.set_waited(position.waited());
        let mut permit = acquired?;
        let idle = permit.begin(record.holder(request, id, position.granted_at()), client);
        client.transfers.hold_permit();
        record.entry.runner = Some(permit.runner().id);
        if unsent.is_none() {
            record.trace.begin_exchange(request.headers_mut());
        }
        record.trace.set_runner(permit.runner().id);
        match send(session, (permit, idle), request, added, unsent.take(), &mut position).await? {
            SendOutcome::Answered(response, exchange)
                if response.status() != StatusCode::SWITCHING_PROTOCOLS =>
            {
                return Ok(pass_on(response, exchange, may_ask));
            }
            SendOutcome::Answered(response, exchange) if wishes.upgrade => {
                return Ok(switch(response, exchange, may_ask, id.clone(), &session.tunnel));
            }
            // The client has not asked for an upgrade.
            SendOutcome::Answered(..) => return Err(ProxyError::Malformed),
            SendOutcome::Overdue(mut exchange, late) => {
                let after = balancer.limits().request_timeout.unwrap_or_default();
                if late == LateSide::Client {
                    return Err(ProxyError::ClientTimeout { after });
                }
                exchange.mark_overdue();
                if may_ask == MayAsk::Yes {
                    exchange.request_check();
                }
                return Err(ProxyError::RequestTimeout { after });
            }
            SendOutcome::Lost(error, body, reason) => {
                let answer = why_lost(client, &error, Loss::of(record.entry.runner, reason));
                record.entry.error = Some(error);
                let ProxyError::Lost(loss) = answer else { return Err(answer) };
                if !may_retry {
                    return Err(answer);
                }
                if let Some(first) = position.lost() {
                    return Err(ProxyError::LostAgain { first, second: loss });
                }
                *request.body_mut() =
                    body.rewind().map_err(|TooLarge| ProxyError::LostTooLarge { loss, max: MAX_COPY })?;
                client.transfers.release_permit();
                record.trace.lose(answer.error_type().as_str());
                record.entry.write_retry(request, id, loss);
                position.begin_again(loss);
                continue;
            }
            SendOutcome::Unsent(Some(outgoing)) => unsent = Some(outgoing),
            SendOutcome::Unsent(None) => record.trace.lose("unreachable"),
        }
        client.transfers.release_permit();
        position.move_on()?;
    }
}

/// Acquires a permit for a request whose client may wait for the response before it sends the rest of its body (S56b). What
/// arrives of the body while it waits in the queue is read, and then it waits like any other request (S56c).
async fn acquire_for_stream(
    position: &mut QueuePosition,
    session: &Session,
    body: &mut RequestBody,
) -> Result<Permit, ProxyError> {
    let Session { balancer, client, .. } = session;
    tokio::select! {
        biased;
        acquired = position.acquire_early(balancer) => return acquired,
        gathered = body.gather(client, || ()) => {
            gathered.map_err(|error| why_not_whole(client, error))?;
        }
    }
    position.acquire(balancer).await
}

enum SendOutcome {
    Answered(Response<()>, Exchange),
    /// The runner has not begun to answer within `request_timeout`.
    Overdue(Exchange, LateSide),
    /// It was written, at least in part, and there will be no response.
    /// And why the host ended its runner, if it did.
    Lost(UpstreamError, RequestBody, Option<Reason>),
    /// The runner did not take it. Nothing of it was written (S39). It may be encoded.
    Unsent(Option<Box<Outgoing>>),
}

/// Sends a request to the runner of its permit: over an idle connection, a fresh one, or a second fresh one. A runner that
/// refuses both fresh connections is unreachable (S39).
async fn send(
    session: &Arc<Session>,
    (mut permit, mut idle): (Permit, Option<Box<Upstream>>),
    request: &mut Request<RequestBody>,
    added: AddedFields<'_>,
    mut unsent: Option<Box<Outgoing>>,
    position: &mut QueuePosition,
) -> Result<SendOutcome, ProxyError> {
    let client = &session.client;
    let mut refusals = 0;
    loop {
        let mut upstream = if let Some(idle) = idle.take().or_else(|| permit.connection(client)) {
            idle
        } else if refusals == 2 {
            permit.unreachable();
            return Ok(SendOutcome::Unsent(unsent));
        } else {
            refusals += 1;
            // In its own memory, and so are other waits of few requests: the future of each request stays small.
            match Box::pin(open_in_time(session, &permit, position)).await? {
                Ok(fresh) => fresh,
                Err(_) => continue,
            }
        };
        if client.awaits_continue() {
            client.timer.start(Wait::Continue, client.limits.wait_for_continue);
        }
        match unsent.take() {
            Some(outgoing) => upstream.begin_again(*outgoing),
            None => upstream.begin(request, added),
        }
        match Exchange::unwritten(upstream, permit, Arc::clone(client)).send().await {
            Ok((response, exchange)) => return Ok(SendOutcome::Answered(response, exchange)),
            Err(Unanswered::Overdue(exchange, late)) => return Ok(SendOutcome::Overdue(exchange, late)),
            Err(Unanswered::Unsent(outgoing, kept)) => (unsent, permit) = (Some(outgoing), kept),
            Err(Unanswered::Lost(error, body, reason)) => return Ok(SendOutcome::Lost(error, body, reason)),
        }
    }
}

/// Why a request whose body has not arrived whole is not sent.
fn why_not_whole(client: &Client, error: RequestBodyError) -> ProxyError {
    why_lost(client, &UpstreamError::RequestBody(error), Loss::Closed)
}

/// Why a request that was sent has no response. `loss` is how it was lost, if its runner broke it off.
fn why_lost(client: &Client, error: &UpstreamError, loss: Loss) -> ProxyError {
    match error {
        _ if client.transfers.were_too_slow() => ProxyError::ClientTooSlow,
        _ if client.cut_off.has_stalled() => ProxyError::ClientTimeout { after: client.limits.inactivity.1 },
        UpstreamError::Closed | UpstreamError::Failed(_) => ProxyError::Lost(loss),
        UpstreamError::RequestBody(error) if is_malformed(error) => ProxyError::BadChunk,
        UpstreamError::RequestBody(_) => ProxyError::BrokenBody,
        UpstreamError::HeadTooLarge => ProxyError::ResponseHeadTooLarge,
        UpstreamError::MalformedHead(_)
        | UpstreamError::TooManyInterim
        | UpstreamError::AmbiguousEnd
        | UpstreamError::MalformedChunk => ProxyError::Malformed,
    }
}

/// Whether the error of a body is about what has arrived of it, and not about its early end.
fn is_malformed(error: &RequestBodyError) -> bool {
    let RequestBodyError::Broken(error) = error else { return false };
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let mut causes = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
}

/// Opens a connection to the permit's runner before the request's deadline. A shortage of the host's own resources is not
/// the runner's fault: the host tries again. A runner that leaves service meanwhile counts as one that refuses.
async fn open_in_time(
    Session { balancer, client, .. }: &Session,
    permit: &Permit,
    position: &mut QueuePosition,
) -> Result<io::Result<Box<Upstream>>, ProxyError> {
    let timeout = balancer.limits().queue_timeout;
    let opened = timeout_at(position.deadline(timeout), async {
        let mut pause = Pause::new();
        loop {
            let opened = tokio::select! {
                biased;
                () = permit.runner().closed() => Err(io::ErrorKind::ConnectionRefused.into()),
                opened = Upstream::open(&permit.runner().address, client.thread.index) => opened,
            };
            match opened {
                Err(error) if is_own_shortage(&error) => pause.wait().await,
                opened => return opened,
            }
        }
    });
    opened.await.map_err(|_| ProxyError::QueueTimeout { after: timeout, cause: WaitCause::Busy })
}
