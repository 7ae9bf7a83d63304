//! Forwards one request to a runner, and its response to the client.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout_at;

use super::balancer::Balancer;
use super::body::ResponseBody;
use super::client::Client;
use super::departure::departed;
use super::error::ProxyError;
use super::exchange::{Exchange, Unanswered};
use super::headers::{Asks, keep_alive_timeout, prepare_request, prepare_response};
use super::limits::ManualChecks;
use super::log_entry::LogEntry;
use super::permit::Permit;
use super::queue::QueuePosition;
use super::request_body::RequestBody;
use super::request_id;
use super::upstream::Upstream;
use crate::connect::{Pause, is_own_shortage};

/// The client has left: its connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the client has left")]
pub(super) struct Departed;

/// Answers one request, unless the client leaves meanwhile.
pub(super) async fn forward(
    client: Arc<Client>,
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Departed> {
    client.begin_request(request.version(), request.body().is_end_stream());
    let prepared = prepare_request(&mut request, &client.peer);
    let id = request_id::keep_or_make(request.headers_mut());
    let mut entry = LogEntry::of(&request);
    let reader = client.balancer.limits().origins.reader(request.headers());
    let own =
        |response: Response<Full<Bytes>>| response.map(|body| ResponseBody::own(Arc::clone(&client), body));
    let answer = match (prepared, reader.preflight(&request)) {
        (Err(error), _) => Err(error),
        (Ok(()), Some(response)) => Ok(own(response)),
        (Ok(()), None) => tokio::select! {
            biased;
            answer = route(&client, request, &mut entry) => answer,
            () = departed(&client) => return Err(Departed),
        },
    };
    let mut response = answer.unwrap_or_else(|error| {
        entry.write(&id, error);
        let mut response = error.response();
        reader.add_headers(response.headers_mut());
        own(response)
    });
    if !client.has_uploaded() {
        // The rest of the body is not read, so that the connection cannot be used again.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.headers_mut().insert(&request_id::NAME, id);
    client.begin_response();
    Ok(response)
}

async fn route(
    client: &Arc<Client>,
    request: Request<Incoming>,
    entry: &mut LogEntry,
) -> Result<Response<ResponseBody>, ProxyError> {
    let balancer = &client.balancer;
    let may_ask = match &balancer.limits().manual_checks {
        ManualChecks::Made { health_path } => request.uri().path() != health_path,
        ManualChecks::Ignored => true,
    };
    let mut request = request.map(|body| RequestBody::new(body, Arc::clone(client)));
    let mut position = QueuePosition::default();
    loop {
        let permit = position.acquire(balancer).await?;
        entry.runner = Some(permit.runner().id);
        match send(client, permit, request, &mut position).await? {
            Sent::Answered(response, exchange) => return pass_on(response, exchange, may_ask).await,
            Sent::Overdue(mut exchange) => {
                let after = balancer.limits().request_timeout.unwrap_or_default();
                if !client.has_uploaded() {
                    return Err(ProxyError::ClientTimeout { after });
                }
                if may_ask {
                    exchange.request_check();
                }
                return Err(ProxyError::RequestTimeout { after });
            }
            Sent::Lost(error) => {
                let answer = why_lost(client, &error);
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
    Unsent(Box<Request<RequestBody>>),
}

/// Sends a request to the runner of its permit: over an idle connection, a fresh one, or a second fresh one. A runner that
/// refuses both fresh connections is unreachable (S39).
async fn send(
    client: &Arc<Client>,
    mut permit: Permit,
    mut request: Request<RequestBody>,
    position: &mut QueuePosition,
) -> Result<Sent, ProxyError> {
    let mut errors = 0;
    loop {
        let upstream = if let Some(idle) = take_idle(client, &permit).await {
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
        (request, permit) = match Exchange::send(upstream, permit, request, client).await {
            Ok((response, exchange)) => return Ok(Sent::Answered(response, exchange)),
            Err(Unanswered::Overdue(exchange)) => return Ok(Sent::Overdue(exchange)),
            Err(Unanswered::Unsent(request, permit)) => (*request, permit),
            Err(Unanswered::Lost(error)) => return Ok(Sent::Lost(error)),
        };
    }
}

/// Takes the idle connection that was used last and that the runner has not closed.
async fn take_idle(client: &Client, permit: &Permit) -> Option<Box<Upstream>> {
    loop {
        let mut idle = permit.runner().pop(client.timer.clock())?;
        if idle.is_alive().await {
            return Some(idle);
        }
    }
}

fn why_lost(client: &Client, error: &hyper::Error) -> ProxyError {
    if client.has_stalled() {
        ProxyError::ClientTimeout { after: client.limits.inactivity.1 }
    } else if error.is_parse() {
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
) -> Result<io::Result<Box<Upstream>>, ProxyError> {
    let timeout = balancer.limits().queue_timeout;
    let opened = timeout_at(position.deadline(timeout), async {
        let mut pause = Pause::new();
        loop {
            let opened = tokio::select! {
                biased;
                () = permit.runner().closed() => Err(io::ErrorKind::ConnectionRefused.into()),
                opened = Upstream::open(&permit.runner().address) => opened,
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
async fn pass_on(
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
    exchange.keep_for(keep_alive_timeout(&parts.headers));
    if prepare_response(&mut parts.headers) == Asks::Yes && may_ask {
        exchange.ask();
    }
    // Nothing is waited for; the context is what is needed.
    let mut body = Some((incoming, exchange));
    let body = poll_fn(|cx| match body.take() {
        Some((incoming, exchange)) => Poll::Ready(ResponseBody::of_runner(incoming, exchange, cx)),
        None => Poll::Pending,
    });
    Ok(Response::from_parts(parts, body.await))
}
