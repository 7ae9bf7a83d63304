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

/// Idle connections, the last used one first.
type Pool = Arc<Mutex<Vec<SendRequest<Incoming>>>>;

pub(crate) async fn forward(address: &Address, to: PathBuf) -> Result<()> {
    let (pool, to) = (Pool::default(), Arc::new(to));
    let service = service_fn(move |request| exchange(request, Arc::clone(&pool), Arc::clone(&to)));
    serve(address, service).await
}

async fn exchange(request: Request<Incoming>, pool: Pool, to: Arc<PathBuf>) -> Result<Response<Incoming>> {
    let mut sender = loop {
        let idle = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut sender) = idle else { break connect(&to).await? };
        // The runner may have closed it.
        if sender.ready().await.is_ok() {
            break sender;
        }
    };
    let response = sender.send_request(request).await?;
    pool.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    Ok(response)
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
