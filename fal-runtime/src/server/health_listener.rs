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

/// The interval of the heartbeat on the runtime that serves requests.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(100);

/// Answers the host's checks on its own socket, thread and runtime, outside of all limits and layers, so that a
/// runner with busy workers still answers.
///
/// So that this does not hide a stalled request runtime, each answer has the age of that runtime's last heartbeat
/// and of the oldest request.
#[derive(Debug)]
pub(crate) struct HealthListener {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl HealthListener {
    /// Starts answering calls of the path `health`. Each answer reports the heartbeat of `requests`, the runtime
    /// that serves requests.
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
                        // Dropped first: the caller may rely on the app being released.
                        drop(router);
                        return drop(ready.send(Err(Error::from(error))));
                    }
                };
                let server = Server::start(listener, router, ReadTimeout::Unlimited);
                let _ = ready.send(Ok(()));
                // It ends on a message and when the sender is dropped.
                let _ = stopping.await;
                drop(server);
            });
            // A check in flight is dropped, as the host drops it (S21).
            runtime.shutdown_background();
            let _ = end.send(());
        };
        std::thread::Builder::new().name("fal-health".into()).spawn(serve)?;
        listening.await.map_err(io::Error::other)??;
        Ok(Self { stop, stopped })
    }

    /// Stops it. The future is ready when it no longer holds the app, unless a check blocks the thread.
    pub(crate) async fn end(self) {
        drop(self.stop);
        let _ = self.stopped.await;
    }
}

/// Serves the health endpoint only.
async fn answer(request: Request, next: Next, health: &str, heartbeat: Arc<Heartbeat>) -> Response<Body> {
    if request.uri().path() != health {
        return failure(StatusCode::NOT_FOUND, "only health checks are answered here");
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::PROGRESS, heartbeat.stamp());
    response
}

/// The heartbeat of the runtime that serves requests.
#[derive(Debug)]
struct Heartbeat {
    begun: Instant,
    /// The last beat, in milliseconds since the start.
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
