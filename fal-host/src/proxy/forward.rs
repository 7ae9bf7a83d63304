//! The way of one request.

use std::io;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::time::timeout_at;

use super::balancer::Balancer;
use super::body::{Reply, RunnerBody};
use super::headers::{Asks, prepare_request, prepare_response};
use super::log_entry::LogEntry;
use super::refusal::Refusal;
use super::request_id;
use super::slot::Slot;
use super::timer::ConnectionTimer;
use super::turn::Turn;
use super::upstream::{Exchange, Handle, Unanswered, open};
use super::{ManualChecks, REQUEST_ID};
use crate::address::{Pause, is_own_shortage};

/// What the requests of one client connection have in common.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) balancer: Arc<Balancer>,
    /// Its address, as `x-forwarded-for` says it.
    pub(super) peer: HeaderValue,
    pub(super) timer: ConnectionTimer,
    /// How many ticks a request may take from when it is sent until the head of its response, if that is limited.
    pub(super) limit: Option<u64>,
}

impl Client {
    /// Resolves when the request that is sent now has taken too long.
    async fn overdue(&self) {
        match self.limit {
            Some(ticks) => self.timer.wait(ticks).await,
            None => std::future::pending().await,
        }
    }
}

/// Answers one request. Dropped when the client leaves.
pub(super) async fn forward(client: Arc<Client>, mut request: Request<Incoming>) -> Response<Reply> {
    let prepared = prepare_request(&mut request, &client.peer);
    let id = request_id::keep_or_make(request.headers_mut());
    let mut entry = LogEntry::of(&request);
    let reader = client.balancer.limits().origins.reader(request.headers());
    let answer = match (prepared, reader.preflight(&request)) {
        (Err(refusal), _) => Err(refusal),
        (Ok(()), Some(response)) => Ok(response.map(Reply::Own)),
        (Ok(()), None) => answer(&client, request, &mut entry).await,
    };
    let mut response = answer.unwrap_or_else(|refusal| {
        entry.write(&id, refusal);
        let mut response = refusal.response();
        reader.admit(response.headers_mut());
        response.map(Reply::Own)
    });
    response.headers_mut().insert(&REQUEST_ID, id);
    response
}

async fn answer(
    client: &Client,
    mut request: Request<Incoming>,
    entry: &mut LogEntry,
) -> Result<Response<Reply>, Refusal> {
    let balancer = &client.balancer;
    let may_ask = match &balancer.limits().manual_checks {
        ManualChecks::Made { health_path } => request.uri().path() != health_path,
        ManualChecks::Ignored => true,
    };
    let mut turn = Turn::default();
    loop {
        let slot = balancer.slot(&mut turn).await?;
        entry.runner = Some(slot.runner().id);
        match send(client, slot, request, &mut turn).await? {
            Sent::Answered(response, exchange) => return pass_on(response, exchange, may_ask),
            Sent::Overdue(mut exchange) => {
                if may_ask {
                    exchange.suspect();
                }
                let after = balancer.limits().request_timeout.unwrap_or_default();
                return Err(Refusal::RequestTimeout { after });
            }
            Sent::Lost(error) => {
                let refusal = why_lost(&error);
                entry.error = Some(error);
                return Err(refusal);
            }
            Sent::Not(unsent) => request = *unsent,
        }
        turn.moves_on()?;
    }
}

enum Sent {
    Answered(Response<Incoming>, Exchange),
    /// The runner has not begun to answer in time.
    Overdue(Exchange),
    /// It was written, at least in part, and there will be no response.
    Lost(hyper::Error),
    /// The runner did not take it. Nothing of it was written (S39).
    Not(Box<Request<Incoming>>),
}

/// Sends a request to the runner of its slot: over a kept connection, or a fresh one, or a second fresh one. A runner
/// that refuses both is unreachable (S39).
async fn send(
    client: &Client,
    mut slot: Slot,
    mut request: Request<Incoming>,
    turn: &mut Turn,
) -> Result<Sent, Refusal> {
    let mut refusals = 0;
    loop {
        let handle = if let Some(kept) = slot.runner().pop() {
            kept
        } else if refusals == 2 {
            slot.unreachable();
            return Ok(Sent::Not(Box::new(request)));
        } else {
            refusals += 1;
            match open_in_time(&client.balancer, &slot, turn).await? {
                Ok(fresh) => fresh,
                Err(_) => continue,
            }
        };
        (request, slot) = match handle.send(request, slot, client.overdue()).await {
            Ok((response, exchange)) => return Ok(Sent::Answered(response, exchange)),
            Err(Unanswered::Overdue(exchange)) => return Ok(Sent::Overdue(exchange)),
            Err(Unanswered::Unsent(request, slot)) => (*request, slot),
            Err(Unanswered::Lost(error)) => return Ok(Sent::Lost(error)),
        };
    }
}

fn why_lost(error: &hyper::Error) -> Refusal {
    if error.is_parse() {
        Refusal::Malformed
    } else if error.is_user() {
        Refusal::BrokenBody
    } else {
        Refusal::Lost
    }
}

/// Opens a connection to the slot's runner before the request's deadline. What the host itself is short of is not the
/// runner's fault, and may come back. A runner that leaves service meanwhile counts as one that refuses.
async fn open_in_time(
    balancer: &Balancer,
    slot: &Slot,
    turn: &mut Turn,
) -> Result<io::Result<Handle>, Refusal> {
    let timeout = balancer.limits().queue_timeout;
    let opened = timeout_at(turn.deadline(timeout), async {
        let mut pause = Pause::new();
        loop {
            let opened = tokio::select! {
                biased;
                () = slot.runner().closed() => Err(io::ErrorKind::ConnectionRefused.into()),
                opened = open(slot.runner()) => opened,
            };
            match opened {
                Err(error) if is_own_shortage(&error) => pause.wait().await,
                opened => return opened,
            }
        }
    });
    opened.await.map_err(|_| Refusal::QueueTimeout { after: timeout })
}

/// Hands a runner's response on.
fn pass_on(
    response: Response<Incoming>,
    mut exchange: Exchange,
    may_ask: bool,
) -> Result<Response<Reply>, Refusal> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for that: the client's own request to upgrade was not sent.
        return Err(Refusal::Malformed);
    }
    let (mut parts, incoming) = response.into_parts();
    // The runner's version was between it and this host.
    parts.version = Version::HTTP_11;
    if prepare_response(&mut parts.headers) == Asks::Yes && may_ask {
        exchange.ask();
    }
    Ok(Response::from_parts(parts, Reply::Runner(RunnerBody::new(incoming, exchange))))
}
