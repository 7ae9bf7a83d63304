//! An app under a real host, in the process of its test.

use std::any::type_name;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fal_health::{CheckRecord, HealthCheckSpec};
use fal_host::{AppSpec, Event, EventKind, EventStream, Host, HostBuilder, HostHandle, RunnerRecord};
use http::Method;
use tokio::sync::mpsc;

use super::client::Client;
use super::fleet_client;
use super::fleet_runner::{InProcess, Runners};
use super::request::Request;
use super::runtime::Background;
use crate::app::App;
use crate::error::{Context, Error, Result};
use crate::host::spec_of;

/// How long a test waits for an event.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The time between two checks. The default of a host would make tests slow.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// An app under a real host, in the process of its test: requests pass through the host, its checks run every 50 ms, and a runner
/// that fails them is replaced. There is no start period, so every failure counts. Each runner is an app of its own with its own
/// `setup` and `teardown`.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use fal_runtime::host::Reason;
/// use fal_runtime::prelude::*;
/// use fal_runtime::testing::TestFleet;
///
/// #[derive(Default)]
/// struct Device {
///     is_lost: AtomicBool,
/// }
///
/// #[app]
/// impl Device {
///     #[endpoint("/")]
///     async fn compute(&self) -> u32 {
///         7
///     }
///
///     #[endpoint("/health", health_check = HealthCheck(failure_threshold = 3))]
///     async fn health(&self) -> Result<&'static str> {
///         if self.is_lost.load(Ordering::Relaxed) {
///             return Err(Error::msg("the device is lost"));
///         }
///         Ok("ok")
///     }
/// }
///
/// # /*
/// #[tokio::test]
/// # */
/// async fn a_lost_device_is_replaced() -> Result<()> {
///     let mut fleet = TestFleet::<Device>::start().await?;
///     fleet.with_app(0, |device| device.is_lost.store(true, Ordering::Relaxed));
///     let ended = fleet.next_end().await;
///     assert_eq!(ended.reason, Reason::Unhealthy);
///     assert_eq!(fleet.post("/").send().await?.text(), "7");
///     fleet.stop().await
/// }
/// # fn main() -> Result<()> {
/// #     tokio::runtime::Runtime::new()?.block_on(a_lost_device_is_replaced())
/// # }
/// ```
///
/// Runners in one process share its memory: what only the end of a process cleans up, such as a global, is not cleaned up. Needs
/// the feature `testing-fleet`.
pub struct TestFleet<A: App> {
    host: HostHandle,
    events: EventStream,
    client: Client,
    runners: Arc<Runners<A>>,
    /// Dropped last.
    _runtime: Background,
}

impl<A: App> TestFleet<A> {
    /// Starts a host with one runner, and waits until the runner takes requests. It is an error if `setup` fails.
    pub async fn start() -> Result<Self> {
        Self::start_with(|host| host).await
    }

    /// The same, with other settings of the host: `TestFleet::<MyApp>::start_with(|host| host.spares(1))`.
    pub async fn start_with(configure: impl FnOnce(HostBuilder) -> HostBuilder) -> Result<Self> {
        let problems = A::declaration().invalid_endpoints();
        if !problems.is_empty() {
            return Err(Error::msg(problems.join("; ")));
        }
        let (runtime, runners) = (Background::new()?, Arc::new(Runners::<A>::default()));
        let host = Host::with_launcher(Self::spec(), InProcess(Arc::clone(&runners)))
            .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .admin(None)
            .check_interval(CHECK_INTERVAL)
            .start_check_interval(CHECK_INTERVAL);
        let host = configure(host);
        let events = host.events();
        let host = runtime.spawn(async move { host.start().await }).await.context("starting the host")?;
        let (task, _) = mpsc::channel(1);
        let router = fleet_client::router(host.address());
        let handle = runtime.handle().clone();
        let client = Client { router, runtime: handle, requested: Arc::default(), task, health_path: None };
        let mut fleet = Self { host, events, client, runners, _runtime: runtime };
        fleet
            .next_event("a started runner", |event| match &event.kind {
                EventKind::Ready { .. } => Some(Ok(())),
                EventKind::Terminated(record) => {
                    let why = record.detail.clone().unwrap_or_else(|| record.reason.to_string());
                    Some(Err(Error::msg(why)))
                }
                _ => None,
            })
            .await?;
        Ok(fleet)
    }

    /// The app without a start period: a test waits for no more failures than count.
    fn spec() -> AppSpec {
        let without_start_period = |mut spec: HealthCheckSpec| {
            spec.config = spec.config.start_period_seconds(0);
            spec
        };
        let health_check = A::health_check().map(without_start_period);
        spec_of(A::declaration()).health_check(health_check).startup_timeout(None)
    }

    /// Builds a POST request to the host.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// Builds a GET request to the host.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// Builds a request to the host with any method.
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        Request::new(&self.client, method, path)
    }

    /// Calls the function with the app in the newest runner of this index, from 0. `stop` waits for the function.
    ///
    /// # Panics
    ///
    /// If no runner of this index runs.
    #[expect(clippy::panic, reason = "a test that asks for a runner that does not exist fails")]
    #[track_caller]
    pub fn with_app<T>(&self, index: usize, call: impl FnOnce(&A) -> T) -> T {
        match self.runners.with_app(index, call) {
            Some(returned) => returned,
            None => panic!("no runner with the index {index} runs"),
        }
    }

    /// Waits for the end of the next runner. Its record has the reason and the last checks.
    ///
    /// # Panics
    ///
    /// If none ends within 30 s.
    pub async fn next_end(&mut self) -> RunnerRecord {
        self.next_event("the end of a runner", |event| match &event.kind {
            EventKind::Terminated(record) => Some(record.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for the next check. Its trigger is [`Manual`](fal_health::Trigger::Manual) if a response has asked for it.
    ///
    /// # Panics
    ///
    /// If there is none within 30 s.
    pub async fn next_check(&mut self) -> CheckRecord {
        self.next_event("a check", |event| match &event.kind {
            EventKind::Checked(record) => Some(*record),
            _ => None,
        })
        .await
    }

    /// Waits for the next event from which the function makes a value. `what` names it in the panic.
    ///
    /// # Panics
    ///
    /// If there is none within 30 s, or the host ends.
    #[expect(clippy::panic, reason = "a test whose event does not come fails")]
    pub async fn next_event<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.next().await?;
                if let Some(found) = pick(&event) {
                    return Some(found);
                }
            }
        };
        let Ok(found) = tokio::time::timeout(EVENT_TIMEOUT, found).await else {
            panic!("{what} did not come within {EVENT_TIMEOUT:?}");
        };
        found.unwrap_or_else(|| panic!("the host has ended before {what}"))
    }

    /// The host: for its snapshot, rolling restarts and orders.
    pub fn host(&self) -> &HostHandle {
        &self.host
    }

    /// Stops the host as SIGTERM does, and waits for its end. It is an error if a `teardown` failed.
    pub async fn stop(self) -> Result<()> {
        self.host.shutdown();
        self.host.stopped().await;
        self.runners.take_error().map_or(Ok(()), Err)
    }
}

impl<A: App> Drop for TestFleet<A> {
    fn drop(&mut self) {
        self.runners.close();
    }
}

impl<A: App> fmt::Debug for TestFleet<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestFleet").field("app", &type_name::<A>()).finish_non_exhaustive()
    }
}
