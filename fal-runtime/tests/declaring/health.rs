//! Health check endpoints: their routes, their failures, and checks past their deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Method;
use fal_runtime::prelude::*;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use crate::client::Client;

#[derive(Default)]
struct Checked;

#[app]
impl Checked {
    #[endpoint("/")]
    async fn work(&self) -> u32 {
        1
    }

    #[endpoint("/alive", health_check = HealthCheck(timeout_seconds = 2))]
    async fn alive(&self) -> &'static str {
        "alive"
    }
}

#[derive(Default)]
struct Lost;

#[app]
impl Lost {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) -> Result<()> {
        Err(Error::msg("lost the connection"))
    }

    #[endpoint("/panics")]
    async fn panics(&self) {
        panic!("lost")
    }
}

#[derive(Default)]
struct Panics;

#[app]
impl Panics {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) {
        panic!("lost the connection")
    }
}

#[tokio::test]
async fn the_health_endpoint_answers_post_and_get_with_an_empty_body_s5() {
    let client = Client::of(Checked);
    for method in [Method::POST, Method::GET] {
        assert_eq!(client.ask(method, "/alive").await.body(), json!("alive"));
    }
    let put = client.ask(Method::PUT, "/alive").await;
    assert_eq!((put.status.as_u16(), put.header("allow")), (405, Some("GET, HEAD, POST")));
}

#[tokio::test]
async fn an_endpoint_without_a_method_is_post_only_s5() {
    let client = Client::of(Checked);
    assert_eq!(client.ask(Method::GET, "/").await.status, 405);
    assert_eq!(client.ask(Method::POST, "/").await.body(), json!(1));
}

#[tokio::test]
async fn get_health_answers_the_version_unless_an_endpoint_is_there_s6() {
    let version = json!({ "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(Client::of(Checked).ask(Method::GET, "/health").await.body(), version);
    assert_eq!(Client::of(Lost).ask(Method::GET, "/health").await.status, 500);
}

#[tokio::test]
async fn an_error_or_a_panic_of_the_health_endpoint_is_a_500_s18b() {
    for client in [Client::of(Lost), Client::of(Panics)] {
        let answer = client.ask(Method::POST, "/health").await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (500, json!("Internal Server Error")));
    }
}

#[test]
fn an_app_tells_a_host_how_to_check_it() {
    let spec = Checked::health_check().unwrap();
    assert_eq!((&*spec.method, &*spec.path), ("POST", "/alive"));
    assert_eq!(spec.config, HealthCheck::new().timeout_seconds(2));
}

/// A blocking health function that returns when the test releases it.
struct Blocking {
    started: mpsc::UnboundedSender<()>,
    go: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
}

#[app]
impl Blocking {
    fn setup() -> Result<Self> {
        Err(Error::msg("made by hand"))
    }

    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 3600))]
    fn health(&self) -> Result<usize> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.started.send(())?;
        Handle::current().block_on(self.go.acquire())?.forget();
        Ok(call)
    }

    #[endpoint("/wait")]
    async fn wait(&self) -> Result<()> {
        self.started.send(())?;
        self.go.acquire().await?.forget();
        Ok(())
    }
}

/// The app, and what a test sees of it and does with it.
struct Bench {
    client: Client,
    started: mpsc::UnboundedReceiver<()>,
    go: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
}

impl Bench {
    fn new() -> Self {
        let (started, receiver) = mpsc::unbounded_channel();
        let (go, calls) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let client = Client::of(Blocking { started, go: Arc::clone(&go), calls: Arc::clone(&calls) });
        Self { client, started: receiver, go, calls }
    }

    /// Starts a call and waits until its function runs.
    async fn start(&mut self, path: &'static str) -> tokio::task::JoinHandle<crate::client::Answer> {
        let client = self.client.clone();
        let call = tokio::spawn(async move { client.ask(Method::POST, path).await });
        self.started.recv().await.unwrap();
        call
    }

    /// Starts a call of the health function and drops it while it runs.
    async fn abandon(&mut self) {
        let call = self.start("/health").await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_blocking_health_function_is_past_its_deadline_checks_are_503_and_start_no_second_one_s13b() {
    let mut bench = Bench::new();
    bench.abandon().await;
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    for _ in 0..3 {
        let answer = bench.client.ask(Method::POST, "/health").await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.detail(), "an earlier health check is past its deadline and still runs");
    }
    assert_eq!(bench.calls.load(Ordering::SeqCst), 1);
    bench.go.add_permits(1);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_health_function_keeps_the_next_check_waiting_until_its_deadline_s13b() {
    let mut bench = Bench::new();
    bench.abandon().await;
    // The clock is paused, except for waits.
    assert_eq!(bench.client.ask(Method::POST, "/health").await.status, 503);
    assert_eq!(bench.calls.load(Ordering::SeqCst), 1);
    bench.go.add_permits(1);
}

#[tokio::test]
async fn a_health_function_that_returns_after_all_lets_the_next_check_start_s13b() {
    let mut bench = Bench::new();
    bench.abandon().await;
    bench.go.add_permits(2);
    assert_eq!(bench.client.ask(Method::POST, "/health").await.body(), json!(1));
}

#[tokio::test]
async fn a_check_does_not_wait_for_a_clients_call_of_the_health_function_s14a() {
    let mut bench = Bench::new();
    let client = bench.start("/health").await;
    let check = bench.start("/health").await;
    bench.go.add_permits(2);
    let answers = [client.await.unwrap().status, check.await.unwrap().status];
    assert_eq!(answers, [200, 200]);
}

#[test]
fn a_blocking_health_function_waits_for_no_place_and_no_thread_that_requests_use_s14b() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new();
        // The one place, and the one thread of the pool.
        let request = bench.start("/wait").await;
        let (leave, left) = std::sync::mpsc::channel::<()>();
        let blocker = tokio::task::spawn_blocking(move || left.recv());

        let check = bench.start("/health").await;
        bench.go.add_permits(2);
        assert_eq!(check.await.unwrap().status, 200);
        assert_eq!(request.await.unwrap().status, 200);
        drop(leave);
        assert!(blocker.await.unwrap().is_err());
    });
}
