//! A host of hostile runners, and clients that send requests without a pause.

use std::num::{NonZeroU32, NonZeroUsize};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fal_health::{HealthCheck, HealthCheckSpec};
use fal_host::{AppSpec, HostBuilder, RunnerRecord};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fault::{STARTS, Start, name};
use crate::harness::{Client, History, Pending, Process, Request, Response, TestHost, within};

/// How many requests a runner serves at a time.
pub(crate) const SLOTS: u32 = 4;

/// What may be lost with a runner's process: what was in flight, and on a machine so busy that its end takes longer than it
/// is doubted, what was sent to it meanwhile.
pub(crate) const TAKEN_ALONG: u32 = 2 * SLOTS;

/// More than one runner can hold, so that some are always of the other runner.
const CLIENTS: usize = 2 * SLOTS as usize;

/// What a busy machine may add to the contract's time.
const SLACK: Duration = Duration::from_secs(20);

/// What a check may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// The second failure counts.
pub(crate) fn checked() -> HealthCheck {
    HealthCheck::new().start_period_seconds(0).timeout_seconds(2).failure_threshold(2)
}

/// For faults that must not end a runner: no check is too late on a busy machine.
pub(crate) fn patiently() -> HealthCheck {
    checked().timeout_seconds(30)
}

pub(crate) fn app(health: HealthCheck) -> AppSpec {
    AppSpec::new("hostile")
        .health_check(HealthCheckSpec::post("/health", health))
        .startup_timeout(None)
        .termination_grace_period(Duration::from_secs(10))
        .max_multiplexing(NonZeroU32::new(SLOTS).unwrap())
}

/// A grace period that is waited for to its end.
pub(crate) const HASTE: Duration = Duration::from_millis(500);

pub(crate) fn hasty(health: HealthCheck) -> AppSpec {
    app(health).termination_grace_period(HASTE)
}

pub(crate) fn program(starts: &[(u64, Start)]) -> Command {
    let starts: crate::fault::Starts = starts.iter().copied().collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostile"));
    command.env(STARTS, serde_json::to_string(&starts).unwrap());
    command
}

/// Two runners that have passed a check each, and requests to both.
pub(crate) struct Rig {
    pub(crate) host: TestHost,
    pub(crate) traffic: Traffic,
}

impl Rig {
    pub(crate) async fn start(app: AppSpec) -> Self {
        Self::start_with(app, |builder| builder).await
    }

    pub(crate) async fn start_with(app: AppSpec, set: impl FnOnce(HostBuilder) -> HostBuilder) -> Self {
        let rig = Self::of(program(&[]), 2, app, set).await;
        for runner in [1, 2] {
            rig.host.checked(runner, 1).await;
        }
        rig
    }

    /// The same of an app without periodic checks.
    pub(crate) async fn unchecked(app: AppSpec) -> Self {
        let rig = Self::of(program(&[]), 2, app, |builder| builder).await;
        for runner in [1, 2] {
            rig.host.ready(runner).await;
        }
        rig
    }

    /// So many runners of this command, of which one at least serves.
    pub(crate) async fn of(
        command: Command,
        runners: usize,
        app: AppSpec,
        set: impl FnOnce(HostBuilder) -> HostBuilder,
    ) -> Self {
        let runners = NonZeroUsize::new(runners).unwrap();
        let host = TestHost::start_command(command, app, |builder| set(builder.runners(runners))).await;
        let traffic = Traffic::start(&host);
        traffic.goes_on().await;
        Self { host, traffic }
    }

    /// Tells some runner to misbehave, and says which one it is.
    pub(crate) async fn tell(&self, kind: &str, fault: impl Serialize) -> Told {
        let response = self.host.exchange(&request(kind, fault)).await;
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        Told { at: Instant::now(), answer: response.json() }
    }

    /// Tells both runners to misbehave.
    pub(crate) async fn tell_both(&self, kind: &str, fault: impl Serialize + Copy) {
        for runner in [1, 2] {
            while self.tell(kind, fault).await.runner() != runner {}
        }
    }

    /// Sends a request that is answered wrongly, on a connection of its own.
    pub(crate) async fn provoke(&self, fault: impl Serialize) -> Client {
        let mut client = Client::tcp(self.host.address()).await;
        client.send(&request("answer", fault)).await;
        client
    }

    /// Waits until a runner has ended, and its place is filled by one that passes its checks, while the other
    /// serves. That takes no longer than the contract says.
    pub(crate) async fn replaced(&self, told: &Told, contract: Duration) -> RunnerRecord {
        let record = self.host.ended(told.runner()).await;
        let took = told.at.elapsed();
        assert!(took <= contract + SLACK, "{took:?} where the contract gives {contract:?}");
        self.host.checked(3, 1).await;
        self.traffic.goes_on().await;
        record
    }

    /// Waits until a runner has been checked so often again, while requests continue and no runner ends.
    pub(crate) async fn left_alone(&self, runner: u64, checks: usize) {
        let before = self.host.checks(runner).len();
        self.host.checked(runner, before + checks).await;
        self.traffic.goes_on().await;
        assert!(!self.host.has_started(3), "no runner is replaced");
    }

    /// Ends the traffic: all but so many requests have succeeded, and those were lost with their runner.
    pub(crate) async fn lost_at_most(self, most: u32) {
        let failures = self.traffic.end().await;
        for failure in &failures {
            assert_eq!((failure.status, failure.error_type().as_str()), (503, "runner_disconnected"));
        }
        assert!(failures.len() <= most as usize, "{} requests were lost", failures.len());
    }

    pub(crate) async fn lost_none(self) {
        self.lost_at_most(0).await;
    }
}

pub(crate) fn request(kind: &str, fault: impl Serialize) -> Request {
    Request::post(&format!("/{kind}/{}", name(fault).unwrap()), &json!({}))
}

/// A runner that has been told to misbehave.
#[derive(Debug)]
pub(crate) struct Told {
    at: Instant,
    answer: Value,
}

impl Told {
    pub(crate) fn runner(&self) -> u64 {
        self.answer["runner"].as_u64().unwrap()
    }

    pub(crate) fn process(&self) -> Process {
        process(&self.answer["pid"])
    }

    /// What it has started.
    pub(crate) fn children(&self) -> Vec<Process> {
        self.answer["children"].as_array().unwrap().iter().map(process).collect()
    }
}

fn process(pid: &Value) -> Process {
    Process::new(pid.as_u64().unwrap().try_into().unwrap())
}

/// Clients that send one request after the other, each on a connection of its own.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    /// The status of each response, and the response where it is no success.
    answered: History<(u16, Option<Response>)>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub(crate) fn start(host: &TestHost) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), History::default());
        let client = |_| {
            let (address, stop, answered) = (host.address(), Arc::clone(&stop), answered.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let request = Request::post("/", &json!({}));
                    let response = Pending::new(address, &request).await.response().await;
                    answered.add((response.status, (response.status != 200).then_some(response)));
                }
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { stop, answered, clients }
    }

    /// Waits until as many more requests have succeeded as there are clients.
    pub(crate) async fn goes_on(&self) {
        let successes = |answered: &[(u16, _)]| answered.iter().filter(|(status, _)| *status == 200).count();
        let before = successes(&self.answered.look());
        let enough = |answered: &mut Vec<(u16, Option<Response>)>| {
            (successes(answered) >= before + CLIENTS).then_some(())
        };
        self.answered.find("requests to succeed", enough).await;
    }

    /// Ends it, and returns the responses that were not a success.
    pub(crate) async fn end(self) -> Vec<Response> {
        self.stop.store(true, Ordering::Relaxed);
        for client in within("the clients", join_all(self.clients)).await {
            client.unwrap();
        }
        self.answered.look().iter().filter_map(|(_, failure)| failure.clone()).collect()
    }
}
