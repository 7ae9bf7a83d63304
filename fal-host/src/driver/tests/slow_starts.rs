//! Launches that take long (S61).

use std::sync::mpsc::Sender;

use tokio::runtime::Handle;

use super::*;

/// Starts a driver whose launches run on a thread. Each of them waits until the test releases it.
fn start_held_driver(settings: FleetSettings, socket: PathBuf) -> (Rig, Sender<()>) {
    let (release, releases) = std::sync::mpsc::channel();
    let on_thread = |launcher| LaunchThread::start(Box::new(launcher), Handle::current()).unwrap();
    (start_driver_with(settings, socket, Some(releases), on_thread), release)
}

fn two_runners() -> FleetSettings {
    FleetSettings::new(NonZeroUsize::new(2).unwrap())
}

/// Waits until a runner has started, and returns its reporter.
async fn next_started(rig: &mut Rig) -> StatusReporter {
    timeout(GUARD, rig.runners.recv()).await.expect("a runner starts").unwrap()
}

async fn states(rig: &Rig) -> Vec<RunnerState> {
    snapshot(&rig.requests).await.runners.iter().map(|runner| runner.state).collect()
}

#[tokio::test]
async fn a_runner_is_checked_while_another_one_starts_s61a() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("runner.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let settings = FleetSettings { health: Some(HealthCheck::new()), ..two_runners() };
    let (mut rig, release) = start_held_driver(settings, socket);
    let first = next_started(&mut rig).await;
    release.send(()).unwrap();
    let _second = next_started(&mut rig).await;
    first.ready();
    let mut check = next_check(&listener).await;
    check.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    while !matches!(rig.events.recv().await.unwrap().kind, EventKind::Ready { .. }) {}
    assert_eq!(states(&rig).await, [RunnerState::Idle, RunnerState::Pending]);
    release.send(()).unwrap();
    while !matches!(rig.events.recv().await.unwrap().kind, EventKind::Started { index: 1, .. }) {}
}

#[tokio::test]
async fn runners_that_are_not_wanted_any_more_leave_while_another_one_starts_s41c_s61a() {
    let (mut rig, release) = start_held_driver(two_runners(), "/nowhere".into());
    let runner = next_started(&mut rig).await;
    rig.requests.send(ControlRequest::Stop).unwrap();
    let left = async {
        while states(&rig).await.len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(GUARD, left).await.expect("the other one leaves");
    release.send(()).unwrap();
    assert_eq!(rig.told.recv().await, Some("terminate"));
    runner.exited(Exit::Status(0));
    rig.requests.closed().await;
    assert!(rig.runners.recv().await.is_none(), "no other runner was started");
}

#[tokio::test]
async fn a_runner_that_starts_while_its_host_is_told_to_stop_ends_as_soon_as_it_has_started_s61c() {
    for (request, told) in [(ControlRequest::Stop, "terminate"), (ControlRequest::Kill, "kill")] {
        let (mut rig, release) = start_held_driver(FleetSettings::new(NonZeroUsize::MIN), "/nowhere".into());
        let runner = next_started(&mut rig).await;
        rig.requests.send(request).unwrap();
        assert_eq!(states(&rig).await, [RunnerState::Pending]);
        assert!(rig.told.try_recv().is_err(), "it has not started");
        release.send(()).unwrap();
        assert_eq!(rig.told.recv().await, Some(told));
        runner.exited(Exit::Status(0));
        rig.requests.closed().await;
    }
}

// The clock advances whenever the test waits.
#[tokio::test(start_paused = true)]
async fn a_killed_host_ends_without_a_start_that_takes_too_long_and_kills_the_process_later_s61c() {
    let (mut rig, release) = start_held_driver(FleetSettings::new(NonZeroUsize::MIN), "/nowhere".into());
    let _runner = rig.runners.recv().await.unwrap();
    let killed = Instant::now();
    rig.requests.send(ControlRequest::Kill).unwrap();
    rig.requests.closed().await;
    assert_eq!(killed.elapsed().as_secs(), 5);
    release.send(()).unwrap();
    assert_eq!(rig.told.recv().await, Some("kill"));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_told_to_stop_ends_without_a_start_that_takes_too_long_s61c() {
    // The drain timeout, the grace period and 5 s; or 5 s from the second signal on.
    for (kill_after, ends_after) in [(None, 40), (Some(10), 15)] {
        let (mut rig, release) = start_held_driver(FleetSettings::new(NonZeroUsize::MIN), "/nowhere".into());
        let _runner = rig.runners.recv().await.unwrap();
        let stopped = Instant::now();
        rig.requests.send(ControlRequest::Stop).unwrap();
        if let Some(seconds) = kill_after {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            rig.requests.send(ControlRequest::Kill).unwrap();
        }
        timeout(Duration::from_secs(3600), rig.requests.closed()).await.expect("the host ends");
        assert_eq!(stopped.elapsed().as_secs(), ends_after);
        release.send(()).unwrap();
        assert_eq!(rig.told.recv().await, Some("kill"));
    }
}

#[tokio::test]
async fn a_start_that_takes_long_is_shown_and_so_is_one_that_waits_for_it_s61d() {
    let (mut rig, release) = start_held_driver(two_runners(), "/nowhere".into());
    let _runner = rig.runners.recv().await.unwrap();
    tokio::time::pause();
    let shown = async || {
        let runners = snapshot(&rig.requests).await.runners;
        (runners[0].detail.clone(), runners[1].awaits_start_of)
    };
    let first = Some(RunnerId::new(1));
    assert_eq!(shown().await, (None, first));
    for (wait, age) in [(11, "10s"), (8, "10s"), (2, "20s"), (20, "40s")] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let hint = format!("its launcher has not returned for {age}; 1 further start waits for it");
        assert_eq!(shown().await, (Some(hint), first));
    }
    // A paused clock advances while the threads work.
    tokio::time::resume();
    release.send(()).unwrap();
    let _runner = rig.runners.recv().await.unwrap();
    assert_eq!(shown().await, (None, None));
    release.send(()).unwrap();
}

#[tokio::test]
async fn what_a_runner_reports_while_it_starts_counts_after_its_start_s61b() {
    let (mut rig, release) = start_held_driver(FleetSettings::new(NonZeroUsize::MIN), "/nowhere".into());
    let runner = next_started(&mut rig).await;
    runner.ready();
    runner.exited(Exit::Status(1));
    assert_eq!(states(&rig).await, [RunnerState::Pending]);
    release.send(()).unwrap();
    let mut kinds = Vec::new();
    while kinds.last() != Some(&"terminated") {
        kinds.push(rig.events.recv().await.unwrap().kind.name());
    }
    assert_eq!(kinds, ["started", "ready", "terminated"]);
}
