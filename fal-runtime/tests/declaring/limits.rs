//! The limit of concurrent calls, and what cancelled calls hold.

use std::num::NonZeroU32;
use std::sync::{Arc, Weak};

use axum::http::Method;
use fal_runtime::__private::{ConcurrencyLimit, ConnectionHold};
use fal_runtime::prelude::*;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::client::{Answer, Client};

/// Endpoints that report when they run, and return when the test releases them.
struct Gated {
    started: mpsc::UnboundedSender<u32>,
    go: Arc<Semaphore>,
}

#[app(max_multiplexing = 2)]
impl Gated {
    fn setup() -> Result<Self> {
        Err(Error::msg("made by hand"))
    }

    #[endpoint("/async")]
    async fn gated(&self, number: u32) -> Result<u32> {
        self.started.send(number)?;
        self.go.acquire().await?.forget();
        Ok(number)
    }

    #[endpoint("/blocking")]
    fn gated_blocking(&self, number: u32) -> Result<u32> {
        self.started.send(number)?;
        Handle::current().block_on(self.go.acquire())?.forget();
        Ok(number)
    }

    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) {}
}

struct Bench {
    client: Client,
    calls: Arc<ConcurrencyLimit>,
    started: mpsc::UnboundedReceiver<u32>,
    go: Arc<Semaphore>,
}

impl Bench {
    fn new() -> Self {
        let (started, receiver) = mpsc::unbounded_channel();
        let go = Arc::new(Semaphore::new(0));
        let app = Gated { started, go: Arc::clone(&go) };
        let calls = ConcurrencyLimit::new(Gated::declaration().settings.max_multiplexing());
        let router = Gated::declaration().router(Arc::new(app), Arc::clone(&calls));
        Self { client: Client(router), calls, started: receiver, go }
    }

    /// Sends a request; it is on its way when this returns.
    async fn send(&self, path: &'static str, number: u32) -> JoinHandle<Answer> {
        let client = self.client.clone();
        let call = tokio::spawn(async move { client.post(path, number.into()).await });
        tokio::task::yield_now().await;
        call
    }
}

async fn abort(call: JoinHandle<Answer>) {
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn as_many_calls_run_as_there_are_places_and_the_rest_wait_in_their_order_s38a_s38c() {
    let mut bench = Bench::new();
    let mut calls = Vec::new();
    for number in 0..5 {
        calls.push(bench.send("/async", number).await);
    }
    assert_eq!([bench.started.recv().await, bench.started.recv().await], [Some(0), Some(1)]);
    assert_eq!(bench.calls.running_paths(), ["/async", "/async"]);
    assert!(bench.started.try_recv().is_err());
    for next in 2..5 {
        bench.go.add_permits(1);
        assert_eq!(bench.started.recv().await, Some(next));
    }
    bench.go.add_permits(2);
    for call in calls {
        assert_eq!(call.await.unwrap().status, 200);
    }
    bench.calls.idle().await;
    assert!(bench.calls.running_paths().is_empty());
}

#[tokio::test]
async fn the_health_endpoint_takes_no_place_s14c() {
    let mut bench = Bench::new();
    let calls = [bench.send("/async", 0).await, bench.send("/async", 1).await];
    assert_eq!([bench.started.recv().await, bench.started.recv().await], [Some(0), Some(1)]);
    assert_eq!(bench.client.ask(Method::GET, "/health").await.status, 200);
    bench.go.add_permits(2);
    for call in calls {
        assert_eq!(call.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_an_async_call_and_gives_its_place_back_s38b() {
    let mut bench = Bench::new();
    let (left, stays) = (bench.send("/async", 0).await, bench.send("/async", 1).await);
    assert_eq!([bench.started.recv().await, bench.started.recv().await], [Some(0), Some(1)]);
    let waits = bench.send("/async", 2).await;
    abort(left).await;
    assert_eq!(bench.started.recv().await, Some(2));
    bench.go.add_permits(2);
    assert_eq!([stays.await.unwrap().status, waits.await.unwrap().status], [200, 200]);
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_is_forgotten_s38d() {
    let mut bench = Bench::new();
    let calls = [bench.send("/async", 0).await, bench.send("/async", 1).await];
    assert_eq!([bench.started.recv().await, bench.started.recv().await], [Some(0), Some(1)]);
    abort(bench.send("/async", 2).await).await;
    let last = bench.send("/async", 3).await;
    bench.go.add_permits(3);
    assert_eq!(bench.started.recv().await, Some(3));
    for call in calls.into_iter().chain([last]) {
        assert_eq!(call.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn an_abandoned_blocking_call_keeps_its_place_and_its_connection_until_it_returns_s38b() {
    let mut bench = Bench::new();
    let connection = Arc::new(());
    let held: Weak<()> = Arc::downgrade(&connection);
    let mut request = axum::http::Request::post("/blocking")
        .header("content-type", "application/json")
        .body(axum::body::Body::from("0"))
        .unwrap();
    request.extensions_mut().insert(ConnectionHold::new(connection));
    let client = bench.client.clone();
    let abandoned = tokio::spawn(async move { client.send(request).await });
    assert_eq!(bench.started.recv().await, Some(0));
    abort(abandoned).await;
    assert_eq!(bench.calls.running_paths(), ["/blocking"]);
    assert!(held.upgrade().is_some());

    bench.go.add_permits(1);
    bench.calls.idle().await;
    assert!(held.upgrade().is_none());
}

#[tokio::test]
async fn a_connection_is_held_no_longer_than_its_async_call_s38b() {
    let bench = Bench::new();
    let connection = Arc::new(());
    let held: Weak<()> = Arc::downgrade(&connection);
    let mut request = axum::http::Request::get("/health").body(axum::body::Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectionHold::new(connection));
    assert_eq!(bench.client.send(request).await.status, 200);
    assert!(held.upgrade().is_none());
}

#[test]
fn a_runner_serves_one_request_at_a_time_unless_it_is_told_otherwise_s38a() {
    #[derive(Default)]
    struct Plain;

    #[app]
    impl Plain {
        #[endpoint("/")]
        async fn nothing(&self) {}
    }

    assert_eq!(Plain::declaration().settings.max_multiplexing(), NonZeroU32::MIN);
    assert_eq!(Gated::declaration().settings.max_multiplexing().get(), 2);
}
