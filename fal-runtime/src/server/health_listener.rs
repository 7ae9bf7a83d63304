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
use super::concurrency::Calls;
use super::connection::ReadTimeout;
use super::listener::Listener;
use crate::error::{Error, failure};

/// How often the runtime that serves requests shows that it runs.
const BEAT: Duration = Duration::from_millis(100);

/// Where a runner answers its host's checks: a socket, a thread and a runtime of its own, outside all limits and layers,
/// so that a runner whose every worker is busy still answers.
///
/// So that this does not hide a runtime that stands still, each answer says when that last showed that it runs, and how
/// long the oldest request has been served.
#[derive(Debug)]
pub(crate) struct Lane {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Lane {
    /// Answers calls of `health` from now on. Requests are served on `requests`, whose pulse each answer gives.
    pub(crate) async fn start(
        address: ListenAddress,
        router: Router,
        health: &'static str,
        calls: Arc<Calls>,
        requests: &Handle,
    ) -> Result<Self, Error> {
        let pulse = Pulse::of(requests, calls);
        let router = router.layer(middleware::from_fn(move |request, next| {
            answer(request, next, health, Arc::clone(&pulse))
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
async fn answer(request: Request, next: Next, health: &str, pulse: Arc<Pulse>) -> Response<Body> {
    if request.uri().path() != health {
        return failure(StatusCode::NOT_FOUND, "only health checks are answered here");
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::PROGRESS, pulse.stamp());
    response
}

/// How the runtime that serves requests fares.
#[derive(Debug)]
struct Pulse {
    begun: Instant,
    /// When it last ran, in milliseconds since the beginning.
    beaten: AtomicU64,
    calls: Arc<Calls>,
}

impl Pulse {
    fn of(requests: &Handle, calls: Arc<Calls>) -> Arc<Self> {
        let pulse = Arc::new(Self { begun: Instant::now(), beaten: AtomicU64::new(0), calls });
        let beating = Arc::downgrade(&pulse);
        requests.spawn(async move {
            while let Some(pulse) = beating.upgrade() {
                pulse.beaten.store(pulse.age(), Ordering::Relaxed);
                drop(pulse);
                tokio::time::sleep(BEAT).await;
            }
        });
        pulse
    }

    fn age(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn stamp(&self) -> HeaderValue {
        let canary = self.age().saturating_sub(self.beaten.load(Ordering::Relaxed));
        let stamp = ProgressStamp { canary: Duration::from_millis(canary), oldest: self.calls.oldest() };
        HeaderValue::try_from(stamp.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}
