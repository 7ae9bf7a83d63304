//! One app under test.

use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fal_health::Failure;
use fal_health::protocol::Progress;
use http::Method;
use tokio::sync::{mpsc, oneshot};

use super::call::{CallThread, EndpointFn};
use super::client::Client;
use super::ending::{StoppingApp, Teardown, TeardownGuard};
use super::pending::Pending;
use super::request::Request;
use super::runtime::Background;
use crate::answer::ResponseHead;
use crate::app::{App, Instance, Setup};
use crate::endpoint::Endpoint;
use crate::error::{Context, Error, Result};
use crate::server::ConcurrencyLimit;

/// An app in the process of its test. See the [module](crate::testing) for how it is used.
///
/// It dereferences to the app, so that a test can read its fields. Dropping it runs `handle_exit` and `teardown`
/// and waits for them; it panics if one fails, unless the test is panicking already. [`stop`](Self::stop) returns
/// the error instead.
pub struct TestApp<A: App> {
    // Dropped before the teardown, which must hold the only reference.
    app: Arc<A>,
    client: Client,
    calls: Arc<ConcurrencyLimit>,
    progress: Vec<Progress>,
    ending: TeardownGuard,
}

impl<A: App> TestApp<A> {
    /// Runs the app's `setup`. It is an error if `setup` fails, or if an endpoint has an extractor that fits no
    /// request.
    pub fn start() -> Pending<'static, Result<Self>> {
        let progress = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&progress);
        let cx = Setup::new(move |progress| lock(&told).push(progress.clone()));
        Pending::new(async move {
            Self::check_endpoints()?;
            let runtime = Background::new()?;
            let made = runtime.spawn((A::declaration().setup)(cx)).await?;
            let app = made.downcast().map_err(|_| Error::msg("setup made another app"))?;
            let progress = lock(&progress).clone();
            Ok(Self::running(runtime, app, progress))
        })
    }

    /// Uses an app that the test has made, instead of `setup`. It is an error if an endpoint has an extractor that
    /// fits no request.
    pub fn of(app: A) -> Result<Self> {
        Self::check_endpoints()?;
        Ok(Self::running(Background::new()?, Arc::new(app), Vec::new()))
    }

    /// Checks that requests can reach and satisfy every endpoint.
    fn check_endpoints() -> Result<()> {
        let problems = A::declaration().invalid_endpoints();
        if problems.is_empty() { Ok(()) } else { Err(Error::msg(problems.join("; "))) }
    }

    fn running(runtime: Background, app: Arc<A>, progress: Vec<Progress>) -> Self {
        let declaration = A::declaration();
        let calls = ConcurrencyLimit::new(declaration.settings.max_multiplexing());
        let instance: Instance = Arc::<A>::clone(&app);
        let router = declaration.router(Arc::clone(&instance), Arc::clone(&calls));
        let (task, tasks) = mpsc::channel(1);
        let handle = runtime.handle().clone();
        let rest = StoppingApp { app: declaration, instance, calls: Arc::clone(&calls), tasks };
        let ending = TeardownGuard::new(Teardown { runtime, rest });
        let health_path = declaration.health_path();
        let client = Client { router, runtime: handle, requested: Arc::default(), task, health_path };
        Self { app, client, calls, progress, ending }
    }

    /// Calls an endpoint by its function: `app.call(MyApp::predict, input)`. The input is `()` if it takes none,
    /// and a tuple of its arguments if it takes several.
    ///
    /// It waits for a permit of `max_multiplexing`, unless the endpoint is the health check
    /// ([S14](fal_health::semantics#s14), [S38](fal_health::semantics#s38)). A panic is an error. Dropping
    /// the call cancels an async endpoint and abandons a blocking one, which keeps its permit until it
    /// returns.
    ///
    /// # Panics
    ///
    /// If the function is not an endpoint of the app.
    #[track_caller]
    pub fn call<F, I, T, M>(&self, endpoint: F, input: I) -> Pending<'_, Result<T>>
    where
        F: EndpointFn<A, I, T, M>,
        I: Send + 'static,
        T: Send + 'static,
    {
        let (row, calls) = (Self::endpoint(type_name::<F>()), Arc::clone(&self.calls));
        let (app, requested) = (Arc::downgrade(&self.app), Arc::clone(&self.client.requested));
        let runtime = self.client.runtime.clone();
        self.client.spawn(async move {
            let is_health_check = row.health_check().is_some();
            let place = if is_health_check {
                calls.enter_exempt(row.path(), None)
            } else {
                calls.acquire(row.path(), None).await
            };
            let app = app.upgrade().context("the app has been stopped")?;
            let (answer, answered) = oneshot::channel();
            let run = move || {
                // Released last: when no call runs, no call holds the app.
                let _place = place;
                let mut thread = CallThread { runtime: runtime.clone(), answer };
                let mut head = ResponseHead::default();
                let called = {
                    let _runtime = runtime.enter();
                    catch_unwind(AssertUnwindSafe(|| endpoint.call(&app, input, &mut head, &mut thread)))
                };
                drop(app);
                // A health check requested before a panic counts (S27).
                if !is_health_check {
                    requested.count(head.headers());
                }
                let called = called.unwrap_or_else(|panic| Some(Err(Error::panicked(&*panic))));
                if let Some(result) = called {
                    // The caller may have stopped waiting.
                    let _ = thread.answer.send(result);
                }
            };
            std::thread::Builder::new().name(row.name().into()).spawn(run)?;
            answered.await?
        })
    }

    /// Builds a POST request, the default method of endpoints ([S5](fal_health::semantics#s5)).
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// Builds a GET request: for a GET endpoint, the health check, `/openapi.json`, and routes of layers.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// Builds a request with any method.
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        Request::new(&self.client, method, path)
    }

    /// Runs one health check as a host does: it passes if the whole response is a 2xx within
    /// `timeout_seconds` ([S17](fal_health::semantics#s17), [S18](fal_health::semantics#s18)). To see the
    /// cause of a failure, [call](Self::call) the health check's function.
    ///
    /// # Panics
    ///
    /// If the app declares no health check.
    #[expect(clippy::panic, reason = "a test that asks for an undeclared path fails")]
    #[track_caller]
    pub fn health(&self) -> Pending<'_, Result<(), Failure>> {
        let Some(check) = A::health_check() else { panic!("{} has no health check", type_name::<A>()) };
        let request = http::Request::post(&*check.path).body(Bytes::new());
        let answer = self.client.answer(request.map_err(Error::from));
        self.client.spawn(async move {
            match tokio::time::timeout(check.config.timeout(), answer).await {
                Ok(Ok(response)) if response.status().is_success() => Ok(()),
                Ok(Ok(response)) => Err(Failure::Status(response.status().as_u16())),
                Ok(Err(_)) => Err(Failure::Disconnected),
                Err(_) => Err(Failure::Timeout),
            }
        })
    }

    /// The number of responses that requested a health check so far ([S27](fal_health::semantics#s27)). A
    /// host would run a check after each, and replace the runner if it fails.
    pub fn health_checks_requested(&self) -> usize {
        self.client.requested.checks.load(Ordering::Acquire)
    }

    /// The number of responses that asked to stop the runner so far ([S58](fal_health::semantics#s58)). A host would
    /// replace it at the first.
    pub fn stops_requested(&self) -> usize {
        self.client.requested.stops.load(Ordering::Acquire)
    }

    /// The progress that `setup` reported, in order.
    pub fn setup_progress(&self) -> &[Progress] {
        &self.progress
    }

    /// Stops the app as a runner does ([S42](fal_health::semantics#s42)): runs `handle_exit`, waits for
    /// running calls, then runs `teardown`. All but `teardown` must end within the app's termination grace
    /// period.
    pub fn stop(self) -> Pending<'static, Result<()>> {
        let Self { ending, .. } = self;
        Pending::new(ending.end())
    }

    /// What serves its requests, and where.
    #[cfg(feature = "testing-fleet")]
    pub(super) fn router(&self) -> (axum::Router, tokio::runtime::Handle) {
        (self.client.router.clone(), self.client.runtime.clone())
    }

    /// Finds an endpoint by the type name of its function, which ends with the function's name.
    #[expect(clippy::panic, reason = "a test that calls an undeclared function fails")]
    #[track_caller]
    fn endpoint(function: &str) -> &'static Endpoint {
        let name = function.rsplit("::").next().unwrap_or(function);
        let found =
            A::declaration().endpoints().into_iter().find(|row| row.name().trim_start_matches("r#") == name);
        found.unwrap_or_else(|| panic!("`{function}` is not an endpoint of {}", type_name::<A>()))
    }
}

impl<A: App> Deref for TestApp<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.app
    }
}

impl<A: App> fmt::Debug for TestApp<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestApp").field("app", &type_name::<A>()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
