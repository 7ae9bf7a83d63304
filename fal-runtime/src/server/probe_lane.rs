//! The probes of a runner without a host, and its checks of itself, on a thread of their own (S67c, S68).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use fal_health::protocol::ListenAddress;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{RwLock, oneshot, watch};
use tower::ServiceExt;

use super::accept::Server;
use super::connection::ReadTimeout;
use super::listener::Listener;
use crate::error::{Error, failure};

/// How long a client of the probes may keep a connection without a request.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A thread with a runtime of its own, for probes and checks of this runner. Requests that block every thread of theirs
/// do not delay it.
#[derive(Debug)]
pub(crate) struct ProbeLane {
    app: Arc<ProbedApp>,
    runtime: Handle,
    address: Option<ListenAddress>,
    /// Dropped to end the thread.
    _stop: oneshot::Sender<()>,
}

/// The app, as the lane sees it.
#[derive(Debug)]
pub(crate) struct ProbedApp {
    is_ready: AtomicBool,
    health: RwLock<Option<Health>>,
    released: watch::Sender<bool>,
}

/// The health endpoint of a running app.
#[derive(Clone, Debug)]
struct Health {
    router: Router,
    path: &'static str,
}

impl ProbeLane {
    /// Starts the thread. With an address it answers probes from now on, which is before `setup`.
    pub(crate) async fn start(address: Option<ListenAddress>) -> Result<Self, Error> {
        let app = Arc::new(ProbedApp {
            is_ready: AtomicBool::new(false),
            health: RwLock::new(None),
            released: watch::channel(false).0,
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopping) = oneshot::channel::<()>();
        let (started, starting) = oneshot::channel();
        let router = pages(Arc::clone(&app));
        let serve = move || {
            runtime.block_on(async {
                let server = match address {
                    None => None,
                    Some(address) => match Listener::bind(address).await {
                        Ok(listener) => {
                            Some(Server::start(listener, router, ReadTimeout::After(READ_TIMEOUT)))
                        }
                        Err(error) => return drop(started.send(Err(Error::from(error)))),
                    },
                };
                let _ = started.send(Ok(server.as_ref().map(|server| server.address().clone())));
                // It ends when the sender is dropped.
                let _ = stopping.await;
                drop(server);
            });
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("fal-health".into()).spawn(serve)?;
        let address = starting.await.map_err(io::Error::other)??;
        Ok(Self { app, runtime: handle, address, _stop: stop })
    }

    /// Where probes are answered, with the port that the system chose.
    pub(crate) fn address(&self) -> Option<&ListenAddress> {
        self.address.as_ref()
    }

    /// The runner is ready: `/readyz` answers 200, and the health endpoint is called.
    pub(crate) async fn open(&self, router: Router, health: Option<&'static str>) {
        *self.app.health.write().await = health.map(|path| Health { router, path });
        self.app.is_ready.store(true, Ordering::Relaxed);
    }

    /// `/readyz` answers 503 from now on (S67b).
    pub(crate) fn set_not_ready(&self) {
        self.app.is_ready.store(false, Ordering::Relaxed);
    }

    /// Drops calls of the health endpoint that run, and what the lane holds of the app.
    pub(crate) async fn release(&self) {
        self.app.released.send_replace(true);
        self.app.health.write().await.take();
    }

    /// Runs a task on the thread, which may call the health endpoint.
    pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        task: impl FnOnce(Arc<ProbedApp>) -> F,
    ) {
        self.runtime.spawn(task(Arc::clone(&self.app)));
    }
}

impl ProbedApp {
    /// The answer of the app's health endpoint. `None` if the app has none, or is not running.
    pub(crate) async fn health(&self, request: Request) -> Option<Response> {
        let health = self.health.read().await;
        let router = health.as_ref()?.router.clone();
        let mut released = self.released.subscribe();
        tokio::select! {
            biased;
            _ = released.wait_for(|released| *released) => None,
            Ok(response) = router.oneshot(request) => Some(response),
        }
    }

    async fn is_health_path(&self, path: &str) -> bool {
        self.health.read().await.as_ref().is_some_and(|health| health.path == path)
    }
}

/// The pages of the probes.
fn pages(app: Arc<ProbedApp>) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .fallback(other)
        .with_state(app)
}

/// The process is alive. A health endpoint with this path says more.
async fn alive(State(app): State<Arc<ProbedApp>>, request: Request) -> Response<Body> {
    health(&app, request).await.unwrap_or_else(ok)
}

async fn ready(State(app): State<Arc<ProbedApp>>, request: Request) -> Response<Body> {
    if app.is_ready.load(Ordering::Relaxed) {
        health(&app, request).await.unwrap_or_else(ok)
    } else {
        failure(StatusCode::SERVICE_UNAVAILABLE, "the runner takes no requests yet, or is stopping")
    }
}

fn ok() -> Response<Body> {
    Response::new(Body::from("{\"status\":\"ok\"}"))
}

/// The answer of the app's health endpoint, if the request is for it and the app runs.
async fn health(app: &ProbedApp, request: Request) -> Option<Response<Body>> {
    if app.is_health_path(request.uri().path()).await { app.health(request).await } else { None }
}

/// The app's health endpoint, or no page.
async fn other(State(app): State<Arc<ProbedApp>>, request: Request) -> Response<Body> {
    if let Some(response) = health(&app, request).await {
        return response;
    }
    if app.is_ready.load(Ordering::Relaxed) {
        failure(
            StatusCode::NOT_FOUND,
            "page not found: there are GET /livez, /healthz, /readyz and the health endpoint",
        )
    } else {
        failure(StatusCode::SERVICE_UNAVAILABLE, "the app is not running")
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::any;

    use super::*;

    async fn status(app: &Arc<ProbedApp>, method: &str, path: &str) -> u16 {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        pages(Arc::clone(app)).oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_health_endpoint_with_the_path_of_a_probe_answers_it_s67c() {
        for path in ["/livez", "/healthz", "/readyz"] {
            let app = Arc::new(ProbedApp {
                is_ready: AtomicBool::new(false),
                health: RwLock::new(None),
                released: watch::channel(false).0,
            });
            let before = if path == "/readyz" { 503 } else { 200 };
            assert_eq!(status(&app, "GET", path).await, before, "{path} before `setup` has ended");
            let failing = any(async || StatusCode::INTERNAL_SERVER_ERROR);
            let router = Router::new().route(path, failing);
            *app.health.write().await = Some(Health { router, path });
            app.is_ready.store(true, Ordering::Relaxed);
            for probe in ["/livez", "/healthz", "/readyz"] {
                let expected = if probe == path { 500 } else { 200 };
                assert_eq!(status(&app, "GET", probe).await, expected, "{probe} of {path}");
            }
        }
    }
}
