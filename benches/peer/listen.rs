//! Serving connections of either kind of address.

use anyhow::Result;
use axum::serve::Listener;
use bytes::Bytes;
use fal_health::protocol::Address;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, UnixListener};

/// Serves every connection in a task of its own.
pub(crate) async fn serve<S>(address: &Address, service: S) -> Result<()>
where
    S: HttpService<Incoming, ResBody: Body<Data = Bytes, Error: Into<Error>> + Send, Error: Into<Error>>,
    S: Clone + Send + 'static,
    S::Future: Send,
    <S::ResBody as Body>::Error: std::error::Error,
{
    match address {
        Address::Tcp(address) => accept(TcpListener::bind(address).await?, service).await,
        Address::Unix(path) => accept(UnixListener::bind(path)?, service).await,
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn accept<L: Listener, S>(mut listener: L, service: S) -> Result<()>
where
    S: HttpService<Incoming, ResBody: Body<Data = Bytes, Error: Into<Error>> + Send, Error: Into<Error>>,
    S: Clone + Send + 'static,
    S::Future: Send,
    <S::ResBody as Body>::Error: std::error::Error,
{
    loop {
        let (stream, _) = listener.accept().await;
        let connection =
            http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move {
            // A client that leaves is no error of a benchmark; the load generator counts what it misses.
            let _ = connection.await;
        });
    }
}
