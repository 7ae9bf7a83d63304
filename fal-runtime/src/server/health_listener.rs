//! A second listener, for the host's health checks only.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use fal_health::protocol::{ListenAddress, ProgressStamp, header};
use http::{HeaderValue, StatusCode};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::accept::Server;
use super::concurrency::ConcurrencyLimit;
use super::connection::ReadTimeout;
use super::listener::Listener;
use crate::error::{Error, failure};

/// How often the runtime that serves requests shows that it runs.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(100);

/// Where a runner answers its host's checks: a socket, a thread and a runtime of its own, outside all limits and layers,
/// so that a runner whose every worker is busy still answers.
///
/// So that this does not hide a runtime that stands still, each answer says when that last showed that it runs, and how
/// long the oldest request has been served.
#[derive(Debug)]
pub(crate) struct HealthListener {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl HealthListener {
    /// Answers calls of `health` from now on. Requests are served on `requests`, whose heartbeat each answer gives.
    pub(crate) async fn start(
        address: ListenAddress,
        router: Router,
        health: &'static str,
        calls: Arc<ConcurrencyLimit>,
        requests: &Handle,
    ) -> Result<Self, Error> {
        let heartbeat = Heartbeat::of(requests, calls);
        let router = router.layer(middleware::from_fn(move |request, next| {
            answer(request, next, health, Arc::clone(&heartbeat))
        }));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopping) = oneshot::channel();
        let (end, stopped) = oneshot::channel();
        let (ready, listening) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                let listener = match Listener::bind(address).await {
                    Ok(listener) => listener,
                    Err(error) => {
                        // Whoever hears of it may rely on the app being let go.
                        drop(router);
                        return drop(ready.send(Err(Error::from(error))));
                    }
                };
                let server = Server::start(listener, router, ReadTimeout::Unlimited);
                let _ = ready.send(Ok(()));
                // Whether it is told or left alone, it ends.
                let _ = stopping.await;
                drop(server);
            });
            // A check that is being answered is dropped: the host has dropped it, too (S21).
            runtime.shutdown_background();
            let _ = end.send(());
        };
        std::thread::Builder::new().name("fal-health".into()).spawn(serve)?;
        listening.await.map_err(io::Error::other)??;
        Ok(Self { stop, stopped })
    }

    /// Ends it. Ready when nothing of it holds the app any more, unless a check blocks its thread.
    pub(crate) async fn end(self) {
        drop(self.stop);
        let _ = self.stopped.await;
    }
}

/// Only the health endpoint is served here.
async fn answer(request: Request, next: Next, health: &str, heartbeat: Arc<Heartbeat>) -> Response<Body> {
    if request.uri().path() != health {
        return failure(StatusCode::NOT_FOUND, "only health checks are answered here");
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::PROGRESS, heartbeat.stamp());
    response
}

/// How the runtime that serves requests fares.
#[derive(Debug)]
struct Heartbeat {
    begun: Instant,
    /// When it last ran, in milliseconds since the beginning.
    last_beat: AtomicU64,
    calls: Arc<ConcurrencyLimit>,
}

impl Heartbeat {
    fn of(requests: &Handle, calls: Arc<ConcurrencyLimit>) -> Arc<Self> {
        let heartbeat = Arc::new(Self { begun: Instant::now(), last_beat: AtomicU64::new(0), calls });
        let beating = Arc::downgrade(&heartbeat);
        requests.spawn(async move {
            while let Some(heartbeat) = beating.upgrade() {
                heartbeat.last_beat.store(heartbeat.age(), Ordering::Relaxed);
                drop(heartbeat);
                tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            }
        });
        heartbeat
    }

    fn age(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn stamp(&self) -> HeaderValue {
        let canary = self.age().saturating_sub(self.last_beat.load(Ordering::Relaxed));
        let stamp = ProgressStamp { canary: Duration::from_millis(canary), oldest: self.calls.oldest_age() };
        HeaderValue::try_from(stamp.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}
