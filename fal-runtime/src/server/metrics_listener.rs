//! The page of metrics of a runner without a host, on a thread of its own.

use std::io;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use fal_health::metrics::{CONTENT_TYPE as OPEN_METRICS, to_openmetrics};
use fal_health::protocol::ListenAddress;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::accept::Server;
use super::connection::ReadTimeout;
use super::listener::Listener;
use crate::error::Error;
use crate::metrics;

/// How long a client may keep a connection without a request.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A listener that answers `GET /metrics`. Dropping it closes the listener.
#[derive(Debug)]
pub(crate) struct MetricsListener {
    address: ListenAddress,
    _stop: oneshot::Sender<()>,
}

impl MetricsListener {
    pub(crate) async fn start(address: ListenAddress, application: &'static str) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let page = async move || {
            let page = to_openmetrics(metrics::families(), &[("application", application)]);
            ([(CONTENT_TYPE, OPEN_METRICS)], page).into_response()
        };
        let router = Router::new().route("/metrics", get(page));
        let (stop, stopping) = oneshot::channel::<()>();
        let (started, starting) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                let listener = match Listener::bind(address).await {
                    Ok(listener) => listener,
                    Err(error) => return drop(started.send(Err(Error::from(error)))),
                };
                let server = Server::start(listener, router, ReadTimeout::After(READ_TIMEOUT));
                let _ = started.send(Ok(server.address().clone()));
                // It ends when the sender is dropped.
                let _ = stopping.await;
                drop(server);
            });
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("fal-metrics".into()).spawn(serve)?;
        let address = starting.await.map_err(io::Error::other)??;
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) const fn address(&self) -> &ListenAddress {
        &self.address
    }
}
