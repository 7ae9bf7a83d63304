//! The driver with launchers that do what the test says, on paused time.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use tokio::sync::Notify;

use super::catch_up::CATCH_UP;
use super::*;
use crate::fleet::{Exit, GiveUp};
use crate::launch::LaunchError;
use crate::proxy::{Limits, ManualChecks, Origins, Reports, Retries};
use crate::{Address, RunnerState};

/// Hands the reporter of each runner to the test.
struct Channelled(mpsc::UnboundedSender<StatusReporter>);

/// A runner without a process.
struct Inert;

impl Launcher for Channelled {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        self.0.send(reporter).unwrap();
        Ok(Box::new(Inert))
    }
}

impl RunnerHandle for Inert {
    fn address(&self) -> Address {
        Address::Unix("/nowhere".into())
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {}

    fn kill(&mut self) {}
}

/// Starts a driver. Returns the sender of its requests, and the reporter of each runner that it launches.
fn start_driver(
    settings: FleetSettings,
) -> (mpsc::UnboundedSender<ControlRequest>, mpsc::UnboundedReceiver<StatusReporter>) {
    start_driver_with(settings, watch::channel(ClientPolicy::Serve).0)
}

/// The same with this policy for clients.
fn start_driver_with(
    settings: FleetSettings,
    client_policy: watch::Sender<ClientPolicy>,
) -> (mpsc::UnboundedSender<ControlRequest>, mpsc::UnboundedReceiver<StatusReporter>) {
    let (requests, request_queue) = mpsc::unbounded_channel();
    let (events, reports) = mpsc::unbounded_channel();
    let (started, runners) = mpsc::unbounded_channel();
    let asked = Arc::new(Notify::new());
    let limits = Limits {
        clients: 1,
        max_head: 32 * 1024,
        queue: 1,
        queue_timeout: Duration::from_secs(1),
        request_timeout: None,
        linger: std::time::Duration::ZERO,
        wedged_after: None,
        client_timeout: Duration::from_secs(60),
        max_multiplexing: 1,
        manual_checks: ManualChecks::Ignored,
        trusted_proxies: Vec::new(),
        tls: None,
        retries: Retries::default(),
        endpoints: Vec::new(),
        origins: Origins::default(),
    };
    let parts = DriverParts {
        settings,
        probe_target: None,
        launcher: Box::new(Channelled(started)),
        balancer: Balancer::new(limits, Reports { asked: Arc::clone(&asked), events }),
        asked,
        reports,
        requests: request_queue,
        events: broadcast::channel(events::CAPACITY).0,
        client_policy,
        gave_up: Arc::default(),
    };
    tokio::spawn(Driver::run(parts));
    (requests, runners)
}

async fn snapshot(requests: &mpsc::UnboundedSender<ControlRequest>) -> Snapshot {
    let (reply, snapshot) = oneshot::channel();
    requests.send(ControlRequest::Snapshot(reply)).unwrap();
    snapshot.await.unwrap()
}

/// Suspends a host for longer than a start may take. When it resumes, a request and a passed deadline wait for it.
async fn suspend_host(requests: &mpsc::UnboundedSender<ControlRequest>) {
    let (reply, answer) = oneshot::channel();
    requests.send(ControlRequest::Snapshot(reply)).unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    answer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_suspension_the_host_handles_events_before_passed_deadlines_s35c() {
    let (requests, mut runners) = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    let reporter = runners.recv().await.unwrap();
    suspend_host(&requests).await;
    tokio::time::sleep(CATCH_UP / 2).await;
    reporter.ready();
    tokio::time::sleep(CATCH_UP).await;
    assert_eq!(snapshot(&requests).await.runners[0].state, RunnerState::Idle);
}

#[tokio::test(start_paused = true)]
async fn after_a_suspension_passed_deadlines_are_delayed_only_once_s35c() {
    let (requests, mut runners) = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    let _never_ready = runners.recv().await.unwrap();
    suspend_host(&requests).await;
    let resumed = Instant::now();
    while snapshot(&requests).await.runners[0].state == RunnerState::Setup {
        assert!(resumed.elapsed() <= CATCH_UP * 2, "the deadline is delayed forever");
        tokio::time::sleep(CATCH_UP / 10).await;
    }
    assert!(resumed.elapsed() >= CATCH_UP);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_gives_up_stops_serving_clients_while_a_runner_still_ends_s41a_s48a() {
    let settings = FleetSettings {
        give_up: GiveUp::After(NonZeroU32::MIN),
        ..FleetSettings::new(NonZeroUsize::new(2).unwrap())
    };
    let (client_policy, mut policy_changes) = watch::channel(ClientPolicy::Serve);
    let (requests, mut runners) = start_driver_with(settings, client_policy);
    let (first, second) = (runners.recv().await.unwrap(), runners.recv().await.unwrap());
    first.exited(Exit::Status(1));
    let third = runners.recv().await.unwrap();
    second.exited(Exit::Status(1));
    policy_changes.changed().await.unwrap();
    assert_eq!(*policy_changes.borrow(), ClientPolicy::Drain);
    let runners = snapshot(&requests).await.runners;
    assert_eq!((runners[0].id, runners[0].state), (third.id(), RunnerState::Terminating));
}

#[tokio::test]
async fn a_check_that_panics_is_inconclusive_and_not_in_flight_forever_s20a() {
    let found = catch_panic(async { panic!("a bug of the host") }).await;
    assert_eq!(found.answer, Outcome::Inconclusive(Inconclusive::CouldNotAsk));
}
