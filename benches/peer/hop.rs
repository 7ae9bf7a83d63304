//! A hop of plain hyper: what forwarding costs that has no limits, no queue and no health.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use fal_health::protocol::Address;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::listen::serve;

/// Connections that have responded. One whose response has not ended is not ready for a request.
type Pool = Arc<Mutex<Vec<SendRequest<Incoming>>>>;

pub(crate) async fn forward(address: &Address, to: PathBuf) -> Result<()> {
    let (pool, to) = (Pool::default(), Arc::new(to));
    let service = service_fn(move |request| exchange(request, Arc::clone(&pool), Arc::clone(&to)));
    serve(address, service).await
}

async fn exchange(request: Request<Incoming>, pool: Pool, to: Arc<PathBuf>) -> Result<Response<Incoming>> {
    let mut sender = match pop(&pool) {
        Some(sender) => sender,
        None => connect(&to).await?,
    };
    let response = sender.send_request(request).await?;
    pool.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    Ok(response)
}

/// The connection that was used last of those that are ready. Drops those that the runner has closed.
fn pop(pool: &Pool) -> Option<SendRequest<Incoming>> {
    let mut senders = pool.lock().unwrap_or_else(PoisonError::into_inner);
    senders.retain(|sender| !sender.is_closed());
    let ready = senders.iter().rposition(SendRequest::is_ready)?;
    Some(senders.swap_remove(ready))
}

async fn connect(to: &PathBuf) -> Result<SendRequest<Incoming>> {
    let stream = TokioIo::new(UnixStream::connect(to).await?);
    let (sender, connection) = http1::Builder::new().writev(false).handshake(stream).await?;
    tokio::spawn(async move {
        // The request gets the same error.
        let _ = connection.await;
    });
    Ok(sender)
}
