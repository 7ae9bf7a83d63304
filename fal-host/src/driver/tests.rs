//! The driver with launchers that do what the test says, on paused time.

mod hung_starts;
mod slow_starts;

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use fal_health::{HealthCheck, HealthCheckSpec};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::catch_up::CATCH_UP;
use super::*;
use crate::fleet::{Exit, FleetSettings, GiveUp, Reason, RunnerLimits, Scale};
use crate::launch::{LaunchError, Launcher, StatusReporter};
use crate::proxy::{Limits, Reports};
use crate::snapshot_parts::HostStatus;
use crate::{Address, RunnerState, Snapshot};

/// A deadline that only a failure reaches.
const GUARD: Duration = Duration::from_secs(20);

/// Hands the reporter of each runner to the test, and may wait for the test then.
struct Channelled {
    started: mpsc::UnboundedSender<StatusReporter>,
    address: Address,
    told: mpsc::UnboundedSender<&'static str>,
    /// Each launch waits for one of these.
    releases: Option<std::sync::mpsc::Receiver<()>>,
}

/// A runner that only notes what it is told. Its process is that of the test.
struct Inert(Address, mpsc::UnboundedSender<&'static str>);

impl Launcher for Channelled {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        self.started.send(reporter).unwrap();
        if let Some(releases) = &self.releases {
            releases.recv().unwrap();
        }
        Ok(Box::new(Inert(self.address.clone(), self.told.clone())))
    }

    /// A launch that waits has not forked a process for it.
    fn program(&self) -> Option<String> {
        Some("/app".to_owned())
    }
}

impl RunnerHandle for Inert {
    fn address(&self) -> Address {
        self.0.clone()
    }

    fn pid(&self) -> Option<u32> {
        Some(std::process::id())
    }

    fn terminate(&mut self) {
        let _ = self.1.send("terminate");
    }

    fn kill(&mut self) {
        let _ = self.1.send("kill");
    }
}

/// A driver that runs, and what a test sees of it.
struct Rig {
    requests: mpsc::UnboundedSender<ControlRequest>,
    /// The reporter of each runner that was launched.
    runners: mpsc::UnboundedReceiver<StatusReporter>,
    client_policy: watch::Receiver<ClientPolicy>,
    events: broadcast::Receiver<Event>,
    balancer: Arc<Balancer>,
    event_log: Arc<EventLog>,
    /// What the runners were told.
    told: mpsc::UnboundedReceiver<&'static str>,
}

/// Starts a driver whose runners listen nowhere.
fn start_driver(settings: FleetSettings) -> Rig {
    start_driver_at(settings, "/nowhere".into())
}

/// Starts a driver whose runners listen at this socket.
fn start_driver_at(settings: FleetSettings, socket: PathBuf) -> Rig {
    start_driver_with(settings, socket, None, LaunchThread::task)
}

fn start_driver_with(
    settings: FleetSettings,
    socket: PathBuf,
    releases: Option<std::sync::mpsc::Receiver<()>>,
    launch_thread: impl FnOnce(Channelled) -> LaunchThread,
) -> Rig {
    let (requests, request_queue) = mpsc::unbounded_channel();
    let (events, reports) = mpsc::unbounded_channel();
    let (started, runners) = mpsc::unbounded_channel();
    let (tell, told) = mpsc::unbounded_channel();
    let (policy, client_policy) = watch::channel(ClientPolicy::Serve);
    let (published, event_stream) = broadcast::channel(events::CAPACITY);
    let asked = Arc::new(Notify::new());
    let target = |health| ProbeTarget::new(&HealthCheckSpec::post("/health", health)).unwrap();
    let parts = DriverParts {
        probe_target: settings.health.map(target),
        settings,
        balancer: Balancer::new(Limits::plain(), Reports { asked: Arc::clone(&asked), events }),
        asked,
        reports,
        requests: request_queue,
        events: published,
        client_policy: policy,
        gave_up: Arc::default(),
        event_log: EventLog::new(),
    };
    let (balancer, event_log) = (Arc::clone(&parts.balancer), Arc::clone(&parts.event_log));
    let launcher = Channelled { started, address: Address::Unix(socket), told: tell, releases };
    tokio::spawn(Driver::run(parts, launch_thread(launcher)));
    Rig { requests, runners, client_policy, events: event_stream, balancer, event_log, told }
}

/// A driver with one runner that was just admitted to its first check, and the connection of that check after its head.
async fn first_check(health: HealthCheck) -> (Rig, UnixStream) {
    let (rig, listener, _directory) = ready_runner(health).await;
    let connection = next_check(&listener).await;
    (rig, connection)
}

/// A driver with one runner that was just admitted to its first check, the runner's listener, and the directory of that.
async fn ready_runner(health: HealthCheck) -> (Rig, UnixListener, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("runner.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let settings = FleetSettings {
        health: Some(health),
        // The runner never exits. Until it is killed, only the driver closes connections to it.
        grace_period: Duration::from_secs(3600),
        ..FleetSettings::new(NonZeroUsize::MIN)
    };
    let mut rig = start_driver_at(settings, socket);
    rig.runners.recv().await.unwrap().ready();
    (rig, listener, directory)
}

/// The connection of the next check after its head.
async fn next_check(listener: &UnixListener) -> UnixStream {
    let (mut connection, _) = timeout(GUARD, listener.accept()).await.expect("a check starts").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    connection
}

/// Waits until the driver has closed its side of a connection.
async fn closes(mut connection: UnixStream) {
    let read = timeout(GUARD, connection.read(&mut [0])).await.expect("the connection closes");
    assert_eq!(read.unwrap(), 0);
}

async fn snapshot(requests: &mpsc::UnboundedSender<ControlRequest>) -> Snapshot {
    let (reply, snapshot) = oneshot::channel();
    requests.send(ControlRequest::Snapshot(reply)).unwrap();
    snapshot.await.unwrap().into_snapshot()
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
    let Rig { requests, mut runners, .. } = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    let reporter = runners.recv().await.unwrap();
    suspend_host(&requests).await;
    tokio::time::sleep(CATCH_UP / 2).await;
    reporter.ready();
    tokio::time::sleep(CATCH_UP).await;
    assert_eq!(snapshot(&requests).await.runners[0].state, RunnerState::Idle);
}

#[tokio::test(start_paused = true)]
async fn after_a_suspension_passed_deadlines_are_delayed_only_once_s35c() {
    let Rig { requests, mut runners, .. } = start_driver(FleetSettings::new(NonZeroUsize::MIN));
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
    let Rig { requests, mut runners, mut client_policy, .. } = start_driver(settings);
    let (first, second) = (runners.recv().await.unwrap(), runners.recv().await.unwrap());
    first.exited(Exit::Status(1));
    let third = runners.recv().await.unwrap();
    second.exited(Exit::Status(1));
    client_policy.changed().await.unwrap();
    assert_eq!(*client_policy.borrow(), ClientPolicy::Drain);
    let runners = snapshot(&requests).await.runners;
    assert_eq!((runners[0].id, runners[0].state), (third.id(), RunnerState::Terminating));
}

#[tokio::test]
async fn a_check_that_panics_is_inconclusive_and_not_in_flight_forever_s20a() {
    let found = catch_panic(async { panic!("a bug of the host") }).await;
    assert_eq!(found.answer, Outcome::Inconclusive(Inconclusive::CouldNotAsk));
}

#[tokio::test]
async fn the_kept_connection_for_checks_closes_when_its_runner_is_told_to_stop_s33a() {
    let (mut rig, mut connection) = first_check(HealthCheck::new()).await;
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    while !matches!(rig.events.recv().await.unwrap().kind, EventKind::Ready { .. }) {}
    rig.requests.send(ControlRequest::Stop).unwrap();
    closes(connection).await;
}

#[tokio::test]
async fn the_connection_of_a_check_in_flight_closes_when_its_runner_is_told_to_stop_s21b() {
    let (rig, connection) = first_check(HealthCheck::new().timeout_seconds(3600)).await;
    rig.requests.send(ControlRequest::Stop).unwrap();
    closes(connection).await;
}

#[tokio::test(start_paused = true)]
async fn events_are_handled_in_the_order_in_which_they_became_known() {
    let mut rig = start_driver(FleetSettings::new(NonZeroUsize::new(3).unwrap()));
    let mut started = Vec::new();
    while started.len() < 3 {
        if let EventKind::Started { index, .. } = rig.events.recv().await.unwrap().kind {
            started.push(index);
        }
    }
    assert_eq!(started, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_stops_while_thousands_start_starts_few_more_s41c() {
    const RUNNERS: usize = 2_000;
    let mut rig = start_driver(FleetSettings::new(NonZeroUsize::new(RUNNERS).unwrap()));
    // Each runner ends when it is told to stop, which those do that have started.
    let mut started = vec![rig.runners.recv().await.unwrap()];
    rig.requests.send(ControlRequest::Stop).unwrap();
    let mut pending = snapshot_of_stopping(&rig.requests).await;
    while let Ok(reporter) = rig.runners.try_recv() {
        started.push(reporter);
    }
    assert!(started.len() < RUNNERS / 20, "{} runners were started", started.len());
    started.drain(..).for_each(|reporter| reporter.exited(Exit::Status(0)));
    while pending > 0 {
        pending = snapshot_of_stopping(&rig.requests).await;
        assert!(rig.runners.try_recv().is_err(), "no runner starts after the stop");
    }
}

/// How many runners are left of a host that stops.
async fn snapshot_of_stopping(requests: &mpsc::UnboundedSender<ControlRequest>) -> usize {
    let (reply, answer) = oneshot::channel();
    if requests.send(ControlRequest::Snapshot(reply)).is_err() {
        return 0;
    }
    answer.await.map_or(0, |parts| parts.into_snapshot().runners.len())
}

async fn status(requests: &mpsc::UnboundedSender<ControlRequest>) -> (bool, bool) {
    let (reply, answer) = oneshot::channel();
    requests.send(ControlRequest::Status(reply)).unwrap();
    let HostStatus { ready, stopping, .. } = answer.await.unwrap();
    (ready, stopping)
}

#[tokio::test(start_paused = true)]
async fn a_host_is_ready_while_a_runner_serves_and_it_does_not_stop_s67b() {
    let mut rig = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    let runner = rig.runners.recv().await.unwrap();
    assert_eq!(status(&rig.requests).await, (false, false));
    runner.ready();
    while !matches!(rig.events.recv().await.unwrap().kind, EventKind::Ready { .. }) {}
    assert_eq!(status(&rig.requests).await, (true, false));
    // It announces its stop before it stops (S66a).
    rig.balancer.close_connections();
    assert_eq!(status(&rig.requests).await, (false, true));
    rig.requests.send(ControlRequest::Stop).unwrap();
    assert_eq!(status(&rig.requests).await, (false, true));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_a_suspended_host_finds_first_waits_for_events_s35c() {
    let Rig { requests, mut runners, .. } = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    let runner = runners.recv().await.unwrap();
    // The start may take ten minutes.
    snapshot(&requests).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    tokio::time::sleep(CATCH_UP / 2).await;
    runner.ready();
    tokio::time::sleep(CATCH_UP).await;
    assert_eq!(snapshot(&requests).await.runners[0].state, RunnerState::Idle);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_runners_is_changed_and_answered_s76() {
    let mut rig = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    rig.runners.recv().await.unwrap();
    let (reply, answer) = oneshot::channel();
    let clients = rig.balancer.max_clients();
    let scale = Scale::To(NonZeroUsize::new(2).unwrap());
    rig.requests.send(ControlRequest::Scale(scale, Some(reply))).unwrap();
    assert_eq!(answer.await.unwrap().runners.get(), 2);
    assert_eq!(rig.runners.recv().await.unwrap().index(), 1);
    assert_ne!(rig.balancer.max_clients(), clients, "descriptors are kept for the further runner");
}

#[tokio::test(start_paused = true)]
async fn a_runner_is_told_to_stop_and_killed_after_its_grace_period_s33a_s33c() {
    let mut rig = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    let runner = rig.runners.recv().await.unwrap();
    runner.ready();
    snapshot(&rig.requests).await;
    assert_eq!(rig.balancer.ended_by_host(RunnerId::new(1)), None);
    rig.requests.send(ControlRequest::Stop).unwrap();
    assert_eq!(rig.told.recv().await, Some("terminate"));
    // Requests that it loses from now on say so (S39c).
    assert_eq!(rig.balancer.ended_by_host(RunnerId::new(1)), Some(Reason::Stopped));
    assert_eq!(rig.told.recv().await, Some("kill"));
    runner.exited(Exit::Signal(9));
}

#[tokio::test]
async fn the_memory_of_a_runners_process_is_measured_where_it_is_limited_s54a() {
    let limits = RunnerLimits { memory: NonZeroU64::new(u64::MAX), ..RunnerLimits::default() };
    let mut rig = start_driver(FleetSettings { limits, ..FleetSettings::new(NonZeroUsize::MIN) });
    let _runner = rig.runners.recv().await.unwrap();
    let measured = async {
        while snapshot(&rig.requests).await.runners[0].memory.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(GUARD, measured).await.expect("its memory is measured");
}

#[tokio::test]
async fn a_passed_check_is_logged_as_it_is_and_a_failed_one_with_its_detail_s86a() {
    for (answer, passes) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 7\r\n\r\nno disk", false),
    ] {
        let (mut rig, mut connection) = first_check(HealthCheck::new()).await;
        connection.write_all(answer.as_bytes()).await.unwrap();
        while !matches!(rig.events.recv().await.unwrap().kind, EventKind::Checked(_)) {}
        let logged = rig.event_log.since(rig.event_log.start()).events;
        let checked = logged.iter().find(|event| event.kind == "checked").expect("it is logged");
        match &checked.content {
            Content::Pass(_) => assert!(passes),
            Content::Json(json) => assert!(!passes && json.contains("no disk"), "{json}"),
        }
    }
}

#[tokio::test]
async fn the_event_of_a_passed_manual_check_names_what_asked_for_it_s85f_s86a() {
    let (mut rig, listener, _directory) = ready_runner(HealthCheck::new()).await;
    let passed = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for check in 1..=2 {
        next_check(&listener).await.write_all(passed.as_bytes()).await.unwrap();
        while !matches!(rig.events.recv().await.unwrap().kind, EventKind::Checked(_)) {}
        if check == 1 {
            let (reply, started) = oneshot::channel();
            rig.requests.send(ControlRequest::Check(RunnerId::new(1), reply)).unwrap();
            timeout(GUARD, started).await.expect("it is answered").unwrap().unwrap();
        }
    }
    let logged = rig.event_log.since(rig.event_log.start()).events;
    let checked = logged.iter().rfind(|event| event.kind == "checked").expect("it is logged");
    let Content::Json(json) = &checked.content else { panic!("{:?}", checked.content) };
    assert!(json.contains("\"requested_by\":{\"by\":\"operator\"}"), "{json}");
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn an_event_of_the_host_itself_is_logged_and_published_s86a() {
    let mut rig = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    rig.requests.send(ControlRequest::Publish(EventKind::UpgradeStarted { pid: 7 })).unwrap();
    let published = async {
        while !matches!(rig.events.recv().await.unwrap().kind, EventKind::UpgradeStarted { pid: 7 }) {}
    };
    timeout(GUARD, published).await.expect("it is published");
    let logged = rig.event_log.since(rig.event_log.start()).events;
    assert!(logged.iter().any(|event| event.kind == "upgrade_started"));
}

/// The events of the host itself that a driver publishes when it is paused and resumed so.
async fn published_by(pauses: &[bool]) -> Vec<&'static str> {
    let rig = start_driver(FleetSettings::new(NonZeroUsize::MIN));
    for paused in pauses {
        let (reply, done) = oneshot::channel();
        rig.requests.send(ControlRequest::Pause(*paused, Some(reply))).unwrap();
        timeout(GUARD, done).await.expect("it is answered").unwrap();
    }
    let logged = rig.event_log.since(rig.event_log.start()).events;
    logged.iter().filter(|event| event.runner.is_none()).map(|event| event.kind).collect()
}

#[tokio::test]
async fn the_beginning_and_the_end_of_a_pause_are_published_once_s118() {
    assert_eq!(published_by(&[true, true, false, false]).await, ["paused", "resumed"]);
}

#[tokio::test]
async fn a_host_that_is_not_paused_publishes_no_end_of_a_pause_s118() {
    assert!(published_by(&[false]).await.is_empty());
}
