//! A host that is embedded in a program, with runners that are tasks of that program.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use bytes::Bytes;
use fal_host::{
    Address, AppSpec, Event, EventKind, EventStream, Exit, HealthCheck, HealthCheckSpec, Host, HostHandle,
    LaunchError, Launcher, Reason, RunnerHandle, RunnerId, StatusReporter,
};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// A deadline that only a failure reaches.
const GUARD: Duration = Duration::from_secs(30);

/// Starts runners as tasks.
struct Tasks {
    /// Where they run: not in the runtime of the host's checks, which is the current one in a launch.
    runtime: Handle,
    /// How many have not ended.
    alive: Arc<AtomicUsize>,
    /// The first one fails its checks.
    first_is_sick: bool,
}

impl Launcher for Tasks {
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        let (listener, address) = listen().map_err(|error| LaunchError::new(error.to_string()))?;
        let stop = Arc::new(Notify::new());
        let healthy = !(self.first_is_sick && id.get() == 1);
        let serve = serve(listener, router(id, healthy), Arc::clone(&stop), reporter.clone());
        let serving = self.runtime.spawn(serve);
        let task = Task { address, stop, serving: serving.abort_handle() };
        self.alive.fetch_add(1, Ordering::SeqCst);
        let alive = Arc::clone(&self.alive);
        self.runtime.spawn(async move {
            let exit = match serving.await {
                Ok(Ok(())) => Exit::Status(0),
                Ok(Err(_)) => Exit::Status(1),
                Err(_) => Exit::Unknown,
            };
            alive.fetch_sub(1, Ordering::SeqCst);
            reporter.exited(exit);
        });
        Ok(Box::new(task))
    }
}

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve(
    listener: TcpListener,
    app: Router,
    stop: Arc<Notify>,
    reporter: StatusReporter,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    reporter.ready();
    axum::serve(listener, app).with_graceful_shutdown(async move { stop.notified().await }).await
}

/// What a runner serves: who it is, and the same with a wish to be checked.
fn router(id: RunnerId, healthy: bool) -> Router {
    let health = if healthy { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let name = move || async move { id.to_string() };
    let asks = move || async move { ([("x-fal-runner-health-check", "true")], id.to_string()) };
    Router::new()
        .route("/", get(name))
        .route("/check-me", get(asks))
        .route("/never", get(std::future::pending::<()>))
        .route("/health", post(async move || health))
}

struct Task {
    address: SocketAddr,
    stop: Arc<Notify>,
    serving: AbortHandle,
}

impl RunnerHandle for Task {
    fn address(&self) -> Address {
        Address::Tcp(self.address)
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        // It is sent once, and received even if the task does not listen yet.
        self.stop.notify_one();
    }

    fn kill(&mut self) {
        self.serving.abort();
    }
}

/// A host of tasks, which is checked only where a response asks for it.
struct Embedded {
    host: HostHandle,
    events: EventStream,
    alive: Arc<AtomicUsize>,
}

impl Embedded {
    async fn start(first_is_sick: bool) -> Self {
        let check = HealthCheck::new().call_regularly(false).timeout_seconds(60);
        let app = AppSpec::new("tasks").health_check(HealthCheckSpec::post("/health", check));
        let alive = Arc::new(AtomicUsize::new(0));
        let tasks = Tasks { runtime: Handle::current(), alive: Arc::clone(&alive), first_is_sick };
        let host = Host::with_launcher(app, tasks);
        let events = host.events();
        Self { host: host.start().await.unwrap(), events, alive }
    }

    async fn get(&self, path: &str) -> String {
        within(get_from(self.host.address(), path)).await
    }

    /// The next event that is of interest.
    async fn event<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
        within(async {
            loop {
                if let Some(found) = pick(self.events.next().await.expect("it has not ended")) {
                    return found;
                }
            }
        })
        .await
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.expect("what the test waits for happens")
}

async fn get_from(address: SocketAddr, path: &str) -> String {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(path).header("host", "test").body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn ended(event: Event) -> Option<(u64, Reason, Option<Exit>)> {
    match event.kind {
        EventKind::Terminated(record) => Some((record.id.get(), record.reason, record.exit)),
        _ => None,
    }
}

#[tokio::test]
async fn a_runner_that_is_a_task_of_the_embedder_is_checked_and_replaced_like_a_process() {
    let mut embedded = Embedded::start(true).await;
    assert_eq!(embedded.get("/").await, "1");
    assert_eq!(embedded.get("/check-me").await, "1", "the caller gets its response first (S29)");
    let end = embedded.event(ended).await;
    assert_eq!(end, (1, Reason::ManualCheckFailed, Some(Exit::Status(0))));
    assert_eq!(embedded.get("/").await, "2");
    assert_eq!(embedded.get("/check-me").await, "2");
    let passed = |event: Event| match event.kind {
        EventKind::Checked(check) if event.runner.is_some_and(|id| id.get() == 2) => Some(check.outcome),
        _ => None,
    };
    assert_eq!(embedded.event(passed).await, fal_health::Outcome::Pass);
    let snapshot = embedded.host.snapshot().await.unwrap();
    assert!(snapshot.runners.iter().all(|runner| runner.pid.is_none()));
}

#[tokio::test]
async fn stopped_waits_for_the_end_of_the_host_which_ends_its_events_s41d() {
    let mut embedded = Embedded::start(false).await;
    embedded.get("/").await;
    embedded.host.shutdown();
    within(embedded.host.stopped()).await;
    assert_eq!(embedded.alive.load(Ordering::SeqCst), 0, "every runner has ended");
    assert_eq!(embedded.event(ended).await, (1, Reason::Stopped, Some(Exit::Status(0))));
    assert!(embedded.host.snapshot().await.is_none());
    drop(embedded.host);
    assert!(within(embedded.events.next()).await.is_none());
    assert_eq!(embedded.events.missed(), 0);
}

#[tokio::test]
async fn a_host_whose_handle_is_dropped_kills_its_runners_s41f() {
    let mut embedded = Embedded::start(false).await;
    let address = embedded.host.address();
    let stuck = tokio::spawn(async move {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.writable().await.unwrap();
        stream.try_write(b"GET /never HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
        stream
    });
    let _client = within(stuck).await.unwrap();
    embedded.event(|event| matches!(event.kind, EventKind::Ready { .. }).then_some(())).await;
    drop(embedded.host);
    let mut end = None;
    while let Some(event) = within(embedded.events.next()).await {
        end = end.or(ended(event));
    }
    assert_eq!(end, Some((1, Reason::Stopped, Some(Exit::Unknown))), "it was not waited for");
    assert_eq!(embedded.alive.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_killed_host_waits_for_no_client_s41e() {
    let mut embedded = Embedded::start(false).await;
    embedded.event(|event| matches!(event.kind, EventKind::Ready { .. }).then_some(())).await;
    let mut client = tokio::net::TcpStream::connect(embedded.host.address()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: te").await.unwrap();
    // By when this is answered, the host has read what was sent before.
    embedded.get("/").await;
    embedded.host.shutdown();
    embedded.event(ended).await;
    let killed = Instant::now();
    embedded.host.kill();
    within(embedded.host.stopped()).await;
    assert!(killed.elapsed() < Duration::from_secs(10), "it took {:?}", killed.elapsed());
}

#[tokio::test]
async fn a_launch_that_fails_is_a_failed_start_with_its_error_in_the_record_s35c_s36a() {
    struct Never;
    impl Launcher for Never {
        fn launch(&mut self, _: RunnerId, _: StatusReporter) -> Result<Box<dyn RunnerHandle>, LaunchError> {
            Err(LaunchError::new("there is no room"))
        }
    }
    let host = Host::with_launcher(AppSpec::new("never"), Never);
    let mut events = host.events();
    let host = host.start().await.unwrap();
    let mut details = Vec::new();
    let held = within(async {
        loop {
            match events.next().await.unwrap().kind {
                EventKind::Terminated(record) => details.push((record.reason, record.detail)),
                EventKind::BackoffStarted { failed_starts, .. } => return failed_starts,
                _ => {}
            }
        }
    })
    .await;
    assert_eq!(held, 2);
    assert_eq!(details, vec![(Reason::SetupFailed, Some("there is no room".to_owned())); 2]);
    host.shutdown();
    within(host.stopped()).await;
}
