//! A host in the process of the test.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::Command;
use std::time::Duration;

use fal_health::{CheckRecord, HealthCheck, HealthCheckSpec, Outcome, Trigger};
use fal_host::{
    Admission, AppSpec, Event, EventKind, EventStream, Host, HostBuilder, HostHandle, Reason, RunnerInfo,
    RunnerRecord,
};
use tokio::task::JoinHandle;

use super::{Client, Director, History, INTERVAL, Pending, Request, Response, within};

/// The fixture's health check with settings for tests: no start period, and no timeout that a busy machine reaches.
pub(crate) fn health() -> HealthCheck {
    HealthCheck::new().start_period_seconds(0).timeout_seconds(60)
}

/// The fixture with this health check.
pub(crate) fn app(health: HealthCheck) -> AppSpec {
    app_of("scripted", "/health", health).max_multiplexing(NonZeroU32::new(100).unwrap())
}

fn app_of(name: &str, health_path: &'static str, health: HealthCheck) -> AppSpec {
    AppSpec::new(name)
        .health_check(HealthCheckSpec::post(health_path, health))
        .termination_grace_period(Duration::from_secs(30))
}

/// The fixture with blocking code, which serves one request at a time, with this health check.
pub(crate) fn blocking_app(health: HealthCheck) -> AppSpec {
    app_of("blocking", "/alive", health)
}

/// The fixture with this many requests at a time per runner.
pub(crate) fn serving_at_a_time(requests: u32, health: HealthCheck) -> AppSpec {
    app(health).max_multiplexing(NonZeroU32::new(requests).unwrap())
}

/// Checks only if a response asks for one.
pub(crate) fn on_request() -> HealthCheck {
    health().call_regularly(false)
}

/// Lets the time of some checks pass. An event that would have come by then does not come.
pub(crate) async fn checks_elsewhere() {
    let director = Director::new();
    let host = TestHost::start(&director, app(health())).await;
    host.checked(1, 8).await;
}

/// A host in this process, whose runners are processes of the fixture.
#[derive(Debug)]
pub(crate) struct TestHost {
    pub(crate) handle: HostHandle,
    events: History<Event>,
    listening: JoinHandle<()>,
}

impl TestHost {
    pub(crate) async fn start(director: &Director, app: AppSpec) -> Self {
        Self::start_with(director, app, |builder| builder).await
    }

    /// Starts a host whose runners take requests before their first pass (S44d).
    pub(crate) async fn start_admitting_ready(director: &Director, app: AppSpec) -> Self {
        Self::start_with(director, app, |builder| builder.admission(Admission::Ready)).await
    }

    /// Starts a host with other settings than short check intervals.
    pub(crate) async fn start_with(
        director: &Director,
        app: AppSpec,
        set: impl FnOnce(HostBuilder) -> HostBuilder,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
        let (name, value) = director.environment();
        command.env(name, value).env("FAL_RUNNER_APP", &app.name);
        Self::start_command(command, app, set).await
    }

    /// Starts a host with another command than the fixture.
    pub(crate) async fn start_command(
        command: Command,
        app: AppSpec,
        set: impl FnOnce(HostBuilder) -> HostBuilder,
    ) -> Self {
        let builder = Host::builder(app, command).check_interval(INTERVAL).start_check_interval(INTERVAL);
        let builder = set(builder);
        let events = History::default();
        let listening = tokio::spawn(listen(builder.events(), events.clone()));
        let handle = builder.start().await.unwrap();
        Self { handle, events, listening }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    /// Sends a request on its own connection.
    pub(crate) async fn send(&self, request: &Request) -> Pending {
        Pending::new(self.address(), request).await
    }

    /// The same, and waits for the response.
    pub(crate) async fn exchange(&self, request: &Request) -> Response {
        self.send(request).await.response().await
    }

    /// Sends a call that the director knows by this name.
    pub(crate) async fn call(&self, name: &str) -> Pending {
        self.send(&Request::call(name)).await
    }

    /// Waits until the host has read what was sent before. It answers CONNECT itself, without a runner.
    pub(crate) async fn settle(&self) {
        let response = Client::tcp(self.address()).await.exchange(&Request::new("CONNECT", "a:1")).await;
        assert_eq!(response.status, 501);
    }

    /// Waits for an event of a runner, unless it has happened already.
    async fn event_kind<T>(&self, what: &str, runner: u64, pick: impl Fn(&EventKind) -> Option<T>) -> T {
        let what = format!("runner {runner} {what}");
        let find = |events: &mut Vec<Event>| {
            events
                .iter()
                .filter(|event| event.runner.is_some_and(|id| id.get() == runner))
                .find_map(|event| pick(&event.kind))
        };
        self.events.find(&what, find).await
    }

    /// Waits until a runner has been started. Returns its process and its effective start period.
    pub(crate) async fn started(&self, runner: u64) -> (u32, Option<Duration>) {
        let pick = |kind: &EventKind| match kind {
            EventKind::Started { pid, effective_start_period, .. } => {
                pid.map(|pid| (pid, *effective_start_period))
            }
            _ => None,
        };
        self.event_kind("to be started", runner, pick).await
    }

    /// Waits until a runner takes requests. Returns the time since its start.
    pub(crate) async fn ready(&self, runner: u64) -> Duration {
        let pick = |kind: &EventKind| match kind {
            EventKind::Ready { after, .. } => Some(*after),
            _ => None,
        };
        self.event_kind("to be ready", runner, pick).await
    }

    /// Waits for the n-th check of a runner, from 1.
    pub(crate) async fn checked(&self, runner: u64, nth: usize) -> CheckRecord {
        let find = |events: &mut Vec<Event>| checks(events, runner).nth(nth - 1);
        self.events.find(&format!("check {nth} of runner {runner}"), find).await
    }

    /// Waits for a further check of a runner with such an outcome.
    pub(crate) async fn checked_again(&self, runner: u64, is_wanted: impl Fn(Outcome) -> bool) {
        let seen = self.checks(runner).len();
        let find = |events: &mut Vec<Event>| {
            checks(events, runner).skip(seen).find(|check| is_wanted(check.outcome))
        };
        self.events.find(&format!("a further check of runner {runner}"), find).await;
    }

    /// Waits for the first conclusive check of a runner (S20).
    pub(crate) async fn concluded(&self, runner: u64) -> CheckRecord {
        let find = |events: &mut Vec<Event>| checks(events, runner).find(is_conclusive);
        self.events.find(&format!("a conclusive check of runner {runner}"), find).await
    }

    /// Waits for the first check that a runner passes.
    pub(crate) async fn passed(&self, runner: u64) -> CheckRecord {
        let find =
            |events: &mut Vec<Event>| checks(events, runner).find(|check| check.outcome == Outcome::Pass);
        self.events.find(&format!("a check that runner {runner} passes"), find).await
    }

    /// Waits for the n-th manual check of a runner, from 1.
    pub(crate) async fn checked_on_request(&self, runner: u64, nth: usize) -> CheckRecord {
        let is_manual = |check: &CheckRecord| check.trigger == Trigger::Manual;
        let find = |events: &mut Vec<Event>| checks(events, runner).filter(is_manual).nth(nth - 1);
        self.events.find(&format!("manual check {nth} of runner {runner}"), find).await
    }

    /// Waits until a runner is ready and waits for its first pass, and says how long after its start that was.
    pub(crate) async fn awaiting_first_pass(&self, runner: u64) -> Duration {
        let pick = |kind: &EventKind| match kind {
            EventKind::AwaitingFirstPass { after, .. } => Some(*after),
            _ => None,
        };
        self.event_kind("to wait for its first pass", runner, pick).await
    }

    /// Whether a runner has ended.
    pub(crate) fn has_ended(&self, runner: u64) -> bool {
        let is_it = |event: &Event| {
            event.runner.is_some_and(|id| id.get() == runner)
                && matches!(event.kind, EventKind::Terminated(_))
        };
        self.events.look().iter().any(is_it)
    }

    /// Whether the start of a runner was held.
    pub(crate) fn was_held(&self, runner: u64) -> bool {
        let is_it = |event: &Event| {
            event.runner.is_some_and(|id| id.get() == runner)
                && matches!(event.kind, EventKind::BackoffStarted { .. })
        };
        self.events.look().iter().any(is_it)
    }

    /// Whether a runner has been started.
    pub(crate) fn has_started(&self, runner: u64) -> bool {
        self.events.look().iter().any(|event| event.runner.is_some_and(|id| id.get() == runner))
    }

    /// The checks of a runner so far.
    pub(crate) fn checks(&self, runner: u64) -> Vec<CheckRecord> {
        checks(&self.events.look(), runner).collect()
    }

    /// Waits until a runner drains.
    pub(crate) async fn draining(&self, runner: u64) -> Reason {
        let pick = |kind: &EventKind| match kind {
            EventKind::Draining { reason, .. } => Some(*reason),
            _ => None,
        };
        self.event_kind("to drain", runner, pick).await
    }

    /// Waits until a runner has been told to stop.
    pub(crate) async fn terminating(&self, runner: u64) -> Reason {
        let pick = |kind: &EventKind| match kind {
            EventKind::Terminating { reason, .. } => Some(*reason),
            _ => None,
        };
        self.event_kind("to receive SIGTERM", runner, pick).await
    }

    /// Waits until a runner has ended.
    pub(crate) async fn ended(&self, runner: u64) -> RunnerRecord {
        let pick = |kind: &EventKind| match kind {
            EventKind::Terminated(record) => Some(record.clone()),
            _ => None,
        };
        self.event_kind("to end", runner, pick).await
    }

    /// Waits until a runner's process group has been killed.
    pub(crate) async fn killed(&self, runner: u64) {
        let pick = |kind: &EventKind| matches!(kind, EventKind::Killed).then_some(());
        self.event_kind("to be killed", runner, pick).await;
    }

    /// Waits until the start of a runner is held. Returns the wait and the number of failed starts.
    pub(crate) async fn held(&self, runner: u64) -> (Duration, u32) {
        let pick = |kind: &EventKind| match kind {
            EventKind::BackoffStarted { wait, failed_starts, .. } => Some((*wait, *failed_starts)),
            _ => None,
        };
        self.event_kind("to be held", runner, pick).await
    }

    /// The state of a runner, if it has not ended.
    pub(crate) async fn info(&self, runner: u64) -> Option<RunnerInfo> {
        let snapshot = within("a snapshot", self.handle.snapshot()).await.unwrap();
        snapshot.runners.into_iter().find(|info| info.id.get() == runner)
    }

    /// Calls the endpoint once, lets the call succeed, and returns the response.
    pub(crate) async fn served(&self, director: &Director, name: &str) -> Response {
        let pending = self.call(name).await;
        director.call(name).await.succeed().await;
        pending.response().await
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(&self) {
        self.handle.shutdown();
        within("the host's end", self.handle.stopped()).await;
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.listening.abort();
        if std::thread::panicking() {
            eprintln!("the host's events: {:#?}", self.events.look());
        }
    }
}

async fn listen(mut stream: EventStream, events: History<Event>) {
    while let Some(event) = stream.next().await {
        assert_eq!(stream.missed(), 0);
        events.add(event);
    }
}

/// Whether a check is conclusive.
pub(crate) fn is_conclusive(check: &CheckRecord) -> bool {
    !matches!(check.outcome, Outcome::Inconclusive(_))
}

fn checks(events: &[Event], runner: u64) -> impl Iterator<Item = CheckRecord> {
    events.iter().filter(move |event| event.runner.is_some_and(|id| id.get() == runner)).filter_map(|event| {
        match event.kind {
            EventKind::Checked(record) => Some(record),
            _ => None,
        }
    })
}
