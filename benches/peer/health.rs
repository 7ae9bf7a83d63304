//! A server that answers and counts checks, and a bare prober that makes them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use fal_health::protocol::Address;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::listen::serve;

/// How long one check may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers every check with 200, and `/count` with their number.
pub(crate) async fn answer(address: &Address) -> Result<()> {
    let checks = Arc::new(AtomicU64::new(0));
    let answer = move |request: Request<Incoming>| {
        let text = if request.uri().path() == "/count" {
            Bytes::from(checks.load(Ordering::Relaxed).to_string())
        } else {
            checks.fetch_add(1, Ordering::Relaxed);
            Bytes::from_static(b"ok")
        };
        async move { anyhow::Ok(Response::new(Full::new(text))) }
    };
    serve(address, service_fn(answer)).await
}

/// The bare minimum: one task and one kept connection per runner, and a deadline.
pub(crate) async fn probe(server: PathBuf, runners: NonZeroUsize, interval: Duration) -> Result<()> {
    let server: Arc<Path> = server.into();
    let start = Instant::now();
    for runner in 0..u32::try_from(runners.get())? {
        let phase = interval * runner / u32::try_from(runners.get())?;
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let mut ticks = interval_at(start + phase, interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut kept = None;
            loop {
                ticks.tick().await;
                kept = timeout(TIMEOUT, check(kept.take(), &server)).await.ok().and_then(Result::ok);
            }
        });
    }
    std::future::pending().await
}

type Connection = SendRequest<Empty<Bytes>>;

async fn check(kept: Option<Connection>, server: &Path) -> Result<Connection> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => connect(server).await?,
    };
    connection.ready().await?;
    let request = Request::builder().method(Method::POST).uri("/health").header("host", "localhost");
    let response = connection.send_request(request.body(Empty::new())?).await?;
    anyhow::ensure!(response.status().is_success());
    response.into_body().collect().await?;
    Ok(connection)
}

async fn connect(server: &Path) -> Result<Connection> {
    let (sender, connection) = http1::handshake(TokioIo::new(UnixStream::connect(server).await?)).await?;
    tokio::spawn(async move {
        // The check gets the same error.
        let _ = connection.await;
    });
    Ok(sender)
}
