//! What an outage of everything that runners depend on costs the control thread. Its checks are real, its runners are not
//! processes.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use fal_health::{HealthCheck, HealthCheckSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::*;
use crate::Address;
use crate::fleet::{Exit, FleetSettings, MaxReplacing};
use crate::launch::{LaunchError, Launcher, StatusReporter};
use crate::proxy::{Limits, Reports};

/// How much of one core the control thread may take, in percent.
const LIMIT: u64 = 20;

/// How long the outage is measured: four rounds of checks.
const MEASURED: Duration = Duration::from_secs(60);

/// Runners that are ready at once, stop at once, and all listen at one socket.
struct Obedient(Address);

struct ObedientRunner {
    address: Address,
    reporter: StatusReporter,
}

impl Launcher for Obedient {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        reporter.ready();
        Ok(Box::new(ObedientRunner { address: self.0.clone(), reporter }))
    }
}

impl RunnerHandle for ObedientRunner {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.reporter.exited(Exit::Status(0));
    }

    fn kill(&mut self) {
        self.reporter.exited(Exit::Signal(9));
    }
}

/// Answers every check until it is aborted.
fn serve(socket: &Path) -> JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let response = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(response.as_bytes()).await;
            });
        }
    })
}

fn driver(runners: usize) -> (mpsc::UnboundedSender<ControlRequest>, DriverParts) {
    let (requests, request_queue) = mpsc::unbounded_channel();
    let (events, reports) = mpsc::unbounded_channel();
    let asked = Arc::new(Notify::new());
    let health = HealthCheck::new();
    let settings = FleetSettings {
        health: Some(health),
        max_replacing: MaxReplacing::Third,
        ..FleetSettings::new(NonZeroUsize::new(runners).unwrap())
    };
    let target = ProbeTarget::new(&HealthCheckSpec::post("/health", health)).unwrap();
    let parts = DriverParts {
        settings,
        probe_target: Some(target),
        balancer: Balancer::new(Limits::plain(), Reports { asked: Arc::clone(&asked), events }),
        asked,
        reports,
        requests: request_queue,
        events: broadcast::channel(events::CAPACITY).0,
        event_log: EventLog::new(),
        client_policy: watch::channel(ClientPolicy::Serve).0,
        gave_up: Arc::default(),
    };
    (requests, parts)
}

/// How many runners are in the rotation, and how many wait for their first pass.
async fn counts(requests: &mpsc::UnboundedSender<ControlRequest>) -> (usize, usize) {
    let (reply, snapshot) = oneshot::channel();
    requests.send(ControlRequest::Snapshot(reply)).unwrap();
    let runners = snapshot.await.unwrap().into_snapshot().runners;
    let waiting = runners.iter().filter(|runner| runner.awaits_first_pass).count();
    let routed = runners.iter().filter(|runner| runner.state == crate::RunnerState::Idle).count();
    (routed, waiting)
}

/// The CPU time that this thread has used.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// The longest time that a snapshot takes the control thread, and what of its CPU time an outage takes, in percent.
async fn outage(runners: usize, measured: Duration) -> (Duration, u64) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("checks");
    let server = serve(&socket);
    let (requests, parts) = driver(runners);
    let launches = LaunchThread::task(Obedient(Address::Unix(socket.clone())));
    let control = tokio::spawn(Driver::run(parts, launches));
    let whole = async {
        while counts(&requests).await.0 < runners {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(300), whole).await.expect("every runner passes a check");
    // Without a socket, connections fail.
    std::fs::remove_file(&socket).unwrap();
    server.abort();
    // The first replacements follow the third failure.
    sleep(measured / 2).await;
    let (wall, cpu) = (Instant::now(), cpu_time());
    sleep(measured).await;
    let share = (cpu_time().saturating_sub(cpu)).as_nanos() * 100 / wall.elapsed().as_nanos();
    let before = cpu_time();
    let (routed, waiting) = counts(&requests).await;
    let snapshot = cpu_time().saturating_sub(before);
    println!("{runners} runners: {share} % of a core; {routed} in the rotation, {waiting} wait for a pass");
    println!("a snapshot of them takes {snapshot:?}");
    assert!(routed < runners && routed * 2 >= runners, "{routed} of {runners} are in the rotation (S40)");
    requests.send(ControlRequest::Kill).unwrap();
    control.await.unwrap();
    (snapshot, share.try_into().unwrap())
}

#[tokio::test]
#[ignore = "a command of its own, with --release: it measures for two minutes"]
async fn an_outage_of_ten_thousand_runners_takes_a_fifth_of_a_core_at_most() {
    let (_, share) = outage(10_000, MEASURED).await;
    assert!(share < LIMIT, "{share} % of a core, limit {LIMIT} %");
}
