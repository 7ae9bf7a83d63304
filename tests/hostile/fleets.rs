//! Several runners that misbehave at once, and hosts that stop at that time: S33, S40, S41.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fal_health::Verdict;
use fal_host::{Exit, HostBuilder, Reason, RestartError, RunnerState};
use tempfile::TempDir;

use crate::fault::{Answer, Check, DEPENDENCY, Deed, Start};
use crate::harness::{TestHost, within};
use crate::rig::{Rig, TAKEN_ALONG, app, hasty, patiently, program, request};

const RUNNERS: u64 = 3;

/// What the health of all runners depends on.
struct Dependency {
    _directory: TempDir,
    file: PathBuf,
}

impl Dependency {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("dependency");
        let dependency = Self { _directory: directory, file };
        dependency.restore();
        dependency
    }

    fn restore(&self) {
        fs::write(&self.file, "").unwrap();
    }

    fn lose(&self) {
        fs::remove_file(&self.file).unwrap();
    }

    async fn rig(&self, set: impl FnOnce(HostBuilder) -> HostBuilder) -> Rig {
        let mut command: Command = program(&[]);
        command.env(DEPENDENCY, &self.file);
        let runners = NonZeroUsize::new(3).unwrap();
        let rig = Rig::of(command, runners.get(), app(patiently()), set).await;
        for runner in 1..=RUNNERS {
            rig.host.checked(runner, 1).await;
        }
        rig
    }
}

#[tokio::test]
async fn a_dependency_that_all_share_ends_a_third_of_them_and_no_request_is_lost_s40a_s40d() {
    let dependency = Dependency::new();
    let rig = dependency.rig(|builder| builder).await;
    dependency.lose();
    // The one successor fails as well, and so does its own.
    for successor in [4, 5] {
        assert_eq!(rig.host.ended(successor).await.reason, Reason::Unhealthy);
    }
    rig.traffic.goes_on().await;
    // The third one has been told to stop, and may still be at it.
    let mut left = Vec::new();
    for runner in 1..=RUNNERS {
        let state = rig.host.info(runner).await.map(|info| info.state);
        if matches!(state, Some(RunnerState::Idle | RunnerState::Running)) {
            left.push(runner);
        }
    }
    assert_eq!(left.len(), 2);
    dependency.restore();
    // Each of them passes, or is replaced if that comes first.
    let healthy = async || {
        let snapshot = rig.host.handle.snapshot().await.unwrap();
        let verdicts = snapshot.runners.iter().filter_map(|runner| runner.health.as_ref());
        verdicts.filter(|health| health.verdict == Verdict::Healthy).count()
    };
    within("three healthy runners", async {
        while healthy().await < 3 {
            rig.traffic.goes_on().await;
        }
    })
    .await;
    rig.lost_none().await;
}

#[tokio::test]
async fn a_strict_host_replaces_all_of_them_at_once_s33a_s40a() {
    let dependency = Dependency::new();
    let rig = dependency.rig(HostBuilder::strict).await;
    dependency.lose();
    for runner in 1..=RUNNERS {
        assert_eq!(rig.host.ended(runner).await.reason, Reason::Unhealthy);
    }
    dependency.restore();
    rig.traffic.goes_on().await;
    rig.lost_none().await;
}

#[tokio::test]
async fn a_host_that_is_set_to_check_rarely_does_so_whatever_fails_s15() {
    let rig = Rig::of(program(&[]), 2, app(patiently()), |builder| {
        builder.check_interval(Duration::from_secs(24 * 3600))
    });
    let rig = rig.await;
    for runner in [1, 2] {
        rig.host.ready(runner).await;
    }
    let told = rig.tell("check", Check::Failing).await;
    // Long enough for another host to make several checks.
    let other = Rig::start(app(patiently())).await;
    other.left_alone(1, 4).await;
    rig.traffic.goes_on().await;
    assert_eq!(rig.host.checks(told.runner()).len(), 1, "the check of its first pass");
    rig.lost_none().await;
    other.lost_none().await;
}

#[tokio::test]
async fn manual_failures_are_never_deferred_s25_s40e() {
    let rig = Rig::start(app(patiently().failure_threshold(1_000_000))).await;
    rig.tell_both("check", Check::Failing).await;
    // The runner that is asked first and the next one, which does not wait for the first successor's pass.
    let first = rig.tell("answer", Answer::Asking).await.runner();
    assert_eq!(rig.host.ended(first).await.reason, Reason::ManualCheckFailed);
    let second = 3 - first;
    while !rig.host.has_ended(second) {
        rig.tell("answer", Answer::Asking).await;
    }
    assert_eq!(rig.host.ended(second).await.reason, Reason::ManualCheckFailed);
    rig.lost_none().await;
}

#[tokio::test]
async fn a_host_that_stops_waits_no_longer_than_its_timeouts_s33d_s41d() {
    let two = |builder: HostBuilder| builder.runners(NonZeroUsize::new(2).unwrap());
    let host = TestHost::start_command(program(&[]), hasty(patiently()), two).await;
    let tell = async |deed: Deed| host.exchange(&request("do", deed)).await.runner();
    for runner in [1, 2] {
        host.checked(runner, 1).await;
        while tell(Deed::IgnoreTerm).await != runner {}
    }
    tell(Deed::Stop).await;
    host.handle.shutdown();
    for runner in [1, 2] {
        let record = host.ended(runner).await;
        assert_eq!((record.reason, record.exit), (Reason::Stopped, Some(Exit::Signal(9))));
    }
    host.stop().await;
    assert!(!host.has_started(3));
}

#[tokio::test]
async fn a_version_that_exits_at_its_first_request_replaces_no_runner_s52a_s52b() {
    let hour = Duration::from_secs(3600);
    let program = program(&[(3, Start::DiesAtFirstRequest)]);
    // Its sockets close before its process has ended, so checks may fail meanwhile.
    let health = patiently().failure_threshold(1000);
    let rig = Rig::of(program, 2, app(health), |builder| builder.min_healthy(hour)).await;
    for runner in [1, 2] {
        rig.host.checked(runner, 1).await;
    }
    let outcome = within("the end of the restart", rig.host.handle.restart_and_wait()).await;
    let Err(RestartError::SuccessorFailed { runner, reason, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((runner.get(), reason), (3, Reason::Exited));
    rig.traffic.goes_on().await;
    for runner in [1, 2] {
        assert!(!rig.host.has_ended(runner));
    }
    assert!(!rig.host.has_started(4), "it is not started again");
    rig.lost_at_most(TAKEN_ALONG).await;
}

#[tokio::test]
async fn a_version_that_stays_healthy_replaces_every_runner_and_loses_no_request_s52a_s52c() {
    let time = Duration::from_millis(100);
    let rig = Rig::start_with(app(patiently()), |builder| builder.min_healthy(time)).await;
    let outcome = within("the end of the restart", rig.host.handle.restart_and_wait()).await;
    assert_eq!(outcome, Ok(()));
    for runner in [1, 2] {
        assert_eq!(rig.host.ended(runner).await.reason, Reason::Restarted);
    }
    rig.traffic.goes_on().await;
    rig.lost_none().await;
}

#[tokio::test]
async fn each_of_several_crashes_is_covered_by_a_spare_and_takes_only_its_own_requests_along_s75b() {
    const CRASHES: u64 = 3;
    let set = |builder: HostBuilder| builder.spares(1);
    let rig = Rig::of(program(&[]), 2, app(patiently().failure_threshold(1000)), set).await;
    for runner in 1..=3 {
        rig.host.passed(runner).await;
    }
    for crash in 1..=CRASHES {
        let told = rig.tell("do", Deed::Exit).await;
        assert_eq!(rig.host.ended(told.runner()).await.reason, Reason::Exited);
        rig.traffic.goes_on().await;
        // The replacement is the next spare.
        rig.host.passed(3 + crash).await;
    }
    let snapshot = rig.host.handle.snapshot().await.unwrap();
    assert_eq!(snapshot.runners.iter().filter(|runner| runner.spare).count(), 1);
    rig.lost_at_most(u32::try_from(CRASHES).unwrap() * TAKEN_ALONG).await;
}

#[tokio::test]
async fn a_dependency_that_all_share_costs_no_runner_more_beside_a_spare_s75c_s40a() {
    let dependency = Dependency::new();
    let rig = dependency.rig(|builder| builder.spares(1)).await;
    rig.host.passed(4).await;
    dependency.lose();
    // The spare, or one for which it serves, and a third of the runners.
    for successor in [5, 6] {
        assert_eq!(rig.host.ended(successor).await.reason, Reason::Unhealthy);
    }
    rig.traffic.goes_on().await;
    let snapshot = rig.host.handle.snapshot().await.unwrap();
    let serves = |state| matches!(state, RunnerState::Idle | RunnerState::Running);
    assert!(snapshot.runners.iter().filter(|it| serves(it.state) && !it.spare).count() >= 2);
    rig.lost_none().await;
}
