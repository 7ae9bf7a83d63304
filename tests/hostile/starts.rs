//! Failed starts next to a runner that serves: S11, S34–S37, S39.

use std::time::Duration;

use fal_health::{Failure, Outcome};
use fal_host::{Admission, AppSpec, Exit, HostBuilder, Reason, RunnerState};

use crate::fault::Start;
use crate::rig::{Rig, app, hasty, patiently, program};

/// A host whose first runner starts in a wrong way, and whose second one serves.
async fn rig(start: Start, app: AppSpec) -> Rig {
    rig_with(start, app, |builder| builder).await
}

async fn rig_with(start: Start, app: AppSpec, set: impl FnOnce(HostBuilder) -> HostBuilder) -> Rig {
    let rig = Rig::of(program(&[(1, start)]), 2, app, set).await;
    rig.host.checked(2, 1).await;
    rig
}

fn in_a_second(app: AppSpec) -> AppSpec {
    app.startup_timeout(Duration::from_secs(1))
}

#[tokio::test]
async fn a_setup_that_never_ends_is_told_to_stop_and_then_killed_s35c_s36c() {
    let rows = [(Start::NeverListens, Exit::Status(0)), (Start::NeverListensNorEnds, Exit::Signal(9))];
    for (start, exit) in rows {
        let rig = rig(start, in_a_second(hasty(patiently()))).await;
        let record = rig.host.ended(1).await;
        assert_eq!((record.reason, record.exit), (Reason::StartupTimeout, Some(exit)));
        assert!(record.ended.since(record.started) >= Duration::from_secs(1));
        assert!(record.checks.is_empty());
        rig.host.checked(3, 1).await;
        rig.lost_none().await;
    }
}

#[tokio::test]
async fn a_setup_that_is_not_over_is_waited_for_and_neither_checked_nor_sent_a_request_s11_s35c_s37b() {
    let rig = rig(Start::NeverListens, app(patiently())).await;
    rig.left_alone(2, 8).await;
    assert_eq!(rig.host.info(1).await.unwrap().state, RunnerState::Setup);
    assert!(rig.host.checks(1).is_empty());
    rig.lost_none().await;
}

#[tokio::test]
async fn a_process_that_ends_before_it_is_ready_or_as_soon_as_it_is_has_failed_to_start_s34_s35c_s36c() {
    for (start, reason) in [(Start::Dies, Reason::SetupFailed), (Start::DiesWhenReady, Reason::Exited)] {
        let rig = rig(start, app(patiently())).await;
        let record = rig.host.ended(1).await;
        assert_eq!((record.reason, record.exit), (reason, Some(Exit::Status(1))));
        rig.host.checked(3, 1).await;
        // It may have been sent requests in the moment in which it was ready.
        rig.lost_at_most(crate::rig::SLOTS).await;
    }
}

#[tokio::test]
async fn a_runner_that_only_says_that_it_is_ready_is_unreachable_and_loses_no_request_s36c_s39b() {
    let app = app(patiently().failure_threshold(1000));
    let rig = rig_with(Start::OnlySaysReady, app, |builder| builder.admission(Admission::Ready)).await;
    let record = rig.host.ended(1).await;
    assert_eq!((record.reason, record.exit), (Reason::Unreachable, Some(Exit::Status(0))));
    rig.host.checked(3, 1).await;
    rig.lost_none().await;
}

#[tokio::test]
async fn a_runner_that_listens_for_no_check_fails_to_connect_s18a_s24() {
    let host = crate::harness::TestHost::start_command(
        program(&[(1, Start::OnlySaysReady)]),
        app(patiently()),
        |builder| builder,
    );
    let record = host.await.ended(1).await;
    assert_eq!(record.reason, Reason::Unhealthy);
    assert!(record.checks.iter().all(|check| check.outcome == Outcome::Failure(Failure::Connect)));
}

#[tokio::test]
async fn noise_on_the_control_channel_and_its_end_are_no_reason_to_end_a_runner_s34_s37b() {
    for start in [Start::Babbles, Start::ClosesItsChannel] {
        let rig = rig(start, app(patiently())).await;
        rig.host.checked(1, 1).await;
        rig.left_alone(1, 4).await;
        rig.lost_none().await;
    }
}

#[tokio::test]
async fn a_runner_that_never_passes_a_check_gets_no_request_s44b_s44c() {
    let rig = rig(Start::OnlySaysReady, app(patiently())).await;
    let record = rig.host.ended(1).await;
    // A request to it would have found it unreachable.
    assert_eq!(record.reason, Reason::Unhealthy);
    rig.host.checked(3, 1).await;
    rig.lost_none().await;
}
