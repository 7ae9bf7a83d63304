//! Runners that answer checks wrongly: S17–S20, S22–S25, S33.

use std::time::Duration;

use fal_health::{CheckRecord, Failure, Outcome, Trigger};
use fal_host::{Exit, OnStall, Reason};
use futures_util::future::join_all;

use crate::fault::{Answer, Check};
use crate::harness::INTERVAL;
use crate::rig::{Rig, SLOTS, TIMEOUT, app, checked, patiently};

/// Until the verdict on a runner that does not answer: two checks that take their whole time, each of which waits for its tick.
const UNANSWERED: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_mul(2);

/// The same for a runner that answers wrongly at once.
const ANSWERED: Duration = INTERVAL.saturating_mul(2);

/// One of two runners answers its checks in this way from now on. It is replaced for two failures of this kind, and no
/// request is lost.
async fn fails(way: Check, failure: Failure, contract: Duration) {
    let rig = Rig::start(app(checked())).await;
    let told = rig.tell("check", way).await;
    let record = rig.replaced(&told, contract).await;
    assert_eq!(record.reason, Reason::Unhealthy, "{way:?}");
    assert_eq!(record.exit, Some(Exit::Status(0)), "{way:?}");
    let failed = |check: &&CheckRecord| check.outcome == Outcome::Failure(failure);
    let counted: Vec<_> = record.checks.iter().filter(failed).collect();
    assert_eq!(counted.len(), 2, "{way:?}: {:#?}", record.checks);
    for check in counted {
        // It is dropped at its deadline and not before.
        assert!(failure != Failure::Timeout || check.duration >= TIMEOUT, "{way:?}: {check:?}");
    }
    rig.lost_none().await;
}

/// One of two runners answers its checks in this way from now on, and is left alone.
async fn passes(way: Check) {
    let rig = Rig::start(app(patiently())).await;
    let told = rig.tell("check", way).await;
    rig.left_alone(told.runner(), 6).await;
    let checks = rig.host.checks(told.runner());
    assert!(checks.iter().all(|check| check.outcome == Outcome::Pass), "{way:?}: {checks:#?}");
    rig.lost_none().await;
}

async fn all_fail(ways: &[Check], failure: Failure, contract: Duration) {
    join_all(ways.iter().map(|way| fails(*way, failure, contract))).await;
}

#[tokio::test]
async fn a_check_that_is_never_taken_read_or_answered_is_a_timeout_s18a_s19a_s24() {
    let ways = [Check::NeverAccepted, Check::NeverRead, Check::NeverAnswered];
    all_fail(&ways, Failure::Timeout, UNANSWERED).await;
}

#[tokio::test]
async fn an_answer_that_comes_too_slowly_or_too_late_is_a_timeout_and_resets_nothing_s17_s18c_s19a_s22() {
    all_fail(&[Check::Dripping, Check::TooLate, Check::HeadOnly], Failure::Timeout, UNANSWERED).await;
}

#[tokio::test]
async fn malformed_or_oversized_http_is_malformed_s18a() {
    let ways = [Check::Noise, Check::WrongFraming, Check::EndlessHead, Check::Informed];
    all_fail(&ways, Failure::Malformed, ANSWERED).await;
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_does_is_disconnected_s18a_s19c() {
    let ways = [Check::Closed, Check::BrokenOff, Check::Reset, Check::HalfClosed];
    all_fail(&ways, Failure::Disconnected, ANSWERED).await;
}

#[tokio::test]
async fn a_failure_is_known_by_its_status_and_no_redirect_is_followed_s16_s18a() {
    let rows = [(Check::Failing, 500), (Check::Redirected, 302), (Check::EndlessFailure, 503)];
    join_all(rows.map(|(way, status)| fails(way, Failure::Status(status), ANSWERED))).await;
}

#[tokio::test]
async fn a_runner_without_a_descriptor_for_a_check_is_replaced_s18a_s33a() {
    let rig = Rig::start(app(checked())).await;
    let told = rig.tell("check", Check::WithoutDescriptors).await;
    let record = rig.replaced(&told, UNANSWERED).await;
    assert_eq!(record.reason, Reason::Unhealthy);
    assert_eq!(record.checks.last().unwrap().outcome, Outcome::Failure(Failure::Timeout));
    // Connections that it could neither accept nor close.
    rig.lost_at_most(SLOTS).await;
}

#[tokio::test]
async fn a_body_without_an_end_passes_and_a_half_closed_connection_is_replaced_by_another_s17_s19c() {
    join_all([Check::EndlessBody, Check::HalfClosedAfterwards].map(passes)).await;
}

#[tokio::test]
async fn a_runner_that_fails_every_other_check_is_left_alone_s22_s24() {
    let rig = Rig::start(app(patiently())).await;
    let told = rig.tell("check", Check::Alternating).await;
    rig.left_alone(told.runner(), 12).await;
    let checks = rig.host.checks(told.runner());
    assert!(
        checks.iter().filter(|check| check.outcome == Outcome::Failure(Failure::Status(500))).count() >= 5
    );
    rig.lost_none().await;
}

#[tokio::test]
async fn failures_inside_the_start_period_end_no_runner_whatever_they_are_s23() {
    let rig = Rig::start(app(patiently().start_period_seconds(3600))).await;
    let told = rig.tell("check", Check::Noise).await;
    rig.left_alone(told.runner(), 8).await;
    rig.lost_none().await;
}

#[tokio::test]
async fn a_runner_whose_requests_are_stalled_fails_s18a_s53b() {
    let rig = Rig::start(app(checked())).await;
    let told = rig.tell("check", Check::Stalled).await;
    let record = rig.replaced(&told, ANSWERED).await;
    assert_eq!(record.reason, Reason::Unhealthy);
    assert_eq!(record.checks.last().unwrap().outcome, Outcome::Failure(Failure::Stalled));
    rig.lost_none().await;
}

#[tokio::test]
async fn a_host_that_only_notes_stalls_keeps_a_stalled_runner_s17_s53b() {
    let rig = Rig::start_with(app(patiently()), |builder| builder.on_stall(OnStall::Note)).await;
    let told = rig.tell("check", Check::Stalled).await;
    rig.left_alone(told.runner(), 6).await;
    let health = rig.host.info(told.runner()).await.unwrap().health.unwrap();
    assert!(health.stalled.is_some(), "it is shown while it lasts (S53c)");
    let checks = rig.host.checks(told.runner());
    assert!(checks.iter().all(|check| check.outcome == Outcome::Pass), "{checks:#?}");
    rig.lost_none().await;
}

#[tokio::test]
async fn a_hostile_answer_to_a_manual_check_ends_the_runner_at_once_s25_s33a() {
    for way in [Check::Noise, Check::Closed, Check::Redirected, Check::EndlessHead] {
        let health = patiently().start_period_seconds(3600).failure_threshold(100).call_regularly(false);
        let rig = Rig::unchecked(app(health)).await;
        rig.tell_both("check", way).await;
        let told = rig.tell("answer", Answer::Asking).await;
        let record = rig.host.ended(told.runner()).await;
        assert_eq!(record.reason, Reason::ManualCheckFailed, "{way:?}");
        assert_eq!(record.checks.len(), 1, "{way:?}");
        assert_eq!(record.checks[0].trigger, Trigger::Manual);
        rig.host.ready(3).await;
        rig.traffic.goes_on().await;
        rig.lost_none().await;
    }
}
