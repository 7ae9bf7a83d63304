//! Forwards one request to a runner, and its response to the client.

use std::io;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::time::timeout_at;

use super::balancer::Balancer;
use super::body::{ResponseBody, RunnerBody};
use super::error::ProxyError;
use super::exchange::{Exchange, Unanswered};
use super::headers::{Asks, prepare_request, prepare_response};
use super::limits::ManualChecks;
use super::log_entry::LogEntry;
use super::permit::Permit;
use super::queue::QueuePosition;
use super::request_id;
use super::timer::ConnectionTimer;
use super::upstream::{PooledConnection, open};
use crate::connect::{Pause, is_own_shortage};

/// The state that all requests of one client connection share.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) balancer: Arc<Balancer>,
    /// The client's address, as the value of `x-forwarded-for`.
    pub(super) peer: HeaderValue,
    pub(super) timer: ConnectionTimer,
    /// `request_timeout` in ticks.
    pub(super) limit: Option<u64>,
}

impl Client {
    /// Resolves when a request that is sent now has reached `request_timeout`.
    async fn overdue(&self) {
        match self.limit {
            Some(ticks) => self.timer.wait(ticks).await,
            None => std::future::pending().await,
        }
    }
}

/// Answers one request. The future is dropped when the client leaves.
pub(super) async fn forward(client: Arc<Client>, mut request: Request<Incoming>) -> Response<ResponseBody> {
    let prepared = prepare_request(&mut request, &client.peer);
    let id = request_id::keep_or_make(request.headers_mut());
    let mut entry = LogEntry::of(&request);
    let reader = client.balancer.limits().origins.reader(request.headers());
    let answer = match (prepared, reader.preflight(&request)) {
        (Err(error), _) => Err(error),
        (Ok(()), Some(response)) => Ok(response.map(ResponseBody::Own)),
        (Ok(()), None) => route(&client, request, &mut entry).await,
    };
    let mut response = answer.unwrap_or_else(|error| {
        entry.write(&id, error);
        let mut response = error.response();
        reader.add_headers(response.headers_mut());
        response.map(ResponseBody::Own)
    });
    response.headers_mut().insert(&request_id::NAME, id);
    response
}

async fn route(
    client: &Client,
    mut request: Request<Incoming>,
    entry: &mut LogEntry,
) -> Result<Response<ResponseBody>, ProxyError> {
    let balancer = &client.balancer;
    let may_ask = match &balancer.limits().manual_checks {
        ManualChecks::Made { health_path } => request.uri().path() != health_path,
        ManualChecks::Ignored => true,
    };
    let mut position = QueuePosition::default();
    loop {
        let permit = position.acquire(balancer).await?;
        entry.runner = Some(permit.runner().id);
        match send(client, permit, request, &mut position).await? {
            Sent::Answered(response, exchange) => return pass_on(response, exchange, may_ask),
            Sent::Overdue(mut exchange) => {
                if may_ask {
                    exchange.request_check();
                }
                let after = balancer.limits().request_timeout.unwrap_or_default();
                return Err(ProxyError::RequestTimeout { after });
            }
            Sent::Lost(error) => {
                let answer = why_lost(&error);
                entry.error = Some(error);
                return Err(answer);
            }
            Sent::Unsent(unsent) => request = *unsent,
        }
        position.move_on()?;
    }
}

enum Sent {
    Answered(Response<Incoming>, Exchange),
    /// The runner has not begun to answer within `request_timeout`.
    Overdue(Exchange),
    /// It was written, at least in part, and there will be no response.
    Lost(hyper::Error),
    /// The runner did not take it. Nothing of it was written (S39).
    Unsent(Box<Request<Incoming>>),
}

/// Sends a request to the runner of its permit: over an idle connection, a fresh one, or a second fresh one. A runner that
/// refuses both fresh connections is unreachable (S39).
async fn send(
    client: &Client,
    mut permit: Permit,
    mut request: Request<Incoming>,
    position: &mut QueuePosition,
) -> Result<Sent, ProxyError> {
    let mut errors = 0;
    loop {
        let connection = if let Some(idle) = permit.runner().pop() {
            idle
        } else if errors == 2 {
            permit.unreachable();
            return Ok(Sent::Unsent(Box::new(request)));
        } else {
            errors += 1;
            match open_in_time(&client.balancer, &permit, position).await? {
                Ok(fresh) => fresh,
                Err(_) => continue,
            }
        };
        (request, permit) = match Exchange::send(connection, permit, request, client.overdue()).await {
            Ok((response, exchange)) => return Ok(Sent::Answered(response, exchange)),
            Err(Unanswered::Overdue(exchange)) => return Ok(Sent::Overdue(exchange)),
            Err(Unanswered::Unsent(request, permit)) => (*request, permit),
            Err(Unanswered::Lost(error)) => return Ok(Sent::Lost(error)),
        };
    }
}

fn why_lost(error: &hyper::Error) -> ProxyError {
    if error.is_parse() {
        ProxyError::Malformed
    } else if error.is_user() {
        ProxyError::BrokenBody
    } else {
        ProxyError::Lost
    }
}

/// Opens a connection to the permit's runner before the request's deadline. A shortage of the host's own resources is not
/// the runner's fault: the host tries again. A runner that leaves service meanwhile counts as one that refuses.
async fn open_in_time(
    balancer: &Balancer,
    permit: &Permit,
    position: &mut QueuePosition,
) -> Result<io::Result<PooledConnection>, ProxyError> {
    let timeout = balancer.limits().queue_timeout;
    let opened = timeout_at(position.deadline(timeout), async {
        let mut pause = Pause::new();
        loop {
            let opened = tokio::select! {
                biased;
                () = permit.runner().closed() => Err(io::ErrorKind::ConnectionRefused.into()),
                opened = open(&permit.runner().address) => opened,
            };
            match opened {
                Err(error) if is_own_shortage(&error) => pause.wait().await,
                opened => return opened,
            }
        }
    });
    opened.await.map_err(|_| ProxyError::QueueTimeout { after: timeout })
}

/// Passes a runner's response on to the client.
fn pass_on(
    response: Response<Incoming>,
    mut exchange: Exchange,
    may_ask: bool,
) -> Result<Response<ResponseBody>, ProxyError> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // The client's own request to upgrade was not forwarded.
        return Err(ProxyError::Malformed);
    }
    let (mut parts, incoming) = response.into_parts();
    // The runner's version concerns its connection to this host only.
    parts.version = Version::HTTP_11;
    if prepare_response(&mut parts.headers) == Asks::Yes && may_ask {
        exchange.ask();
    }
    Ok(Response::from_parts(parts, ResponseBody::Runner(RunnerBody::new(incoming, exchange))))
}
