//! Requests that are answered wrongly: S14, S25, S29, S38, S39. None of it is a reason to end a runner that passes its
//! checks.

use std::time::Duration;

use fal_health::{Failure, Outcome, Trigger};
use fal_host::{AppSpec, Reason};

use crate::fault::{Answer, Check, Deed};
use crate::rig::{Rig, SLOTS, app, hasty, patiently};

async fn rig() -> Rig {
    Rig::start(app(patiently())).await
}

async fn left_alone(rig: Rig) {
    for runner in [1, 2] {
        rig.left_alone(runner, 4).await;
    }
    rig.lost_none().await;
}

#[tokio::test]
async fn a_request_that_is_lost_is_answered_by_the_host_and_ends_no_runner_s34_s39c() {
    let rig = rig().await;
    for answer in [Answer::Closed, Answer::EndlessHead, Answer::WrongFraming] {
        let response = rig.provoke(answer).await.response().await;
        assert_eq!(
            (response.status, response.error_type().as_str()),
            (503, "runner_disconnected"),
            "{answer:?}"
        );
    }
    left_alone(rig).await;
}

#[tokio::test]
async fn a_response_that_is_reset_within_its_body_ends_its_client_alone_s39d() {
    let rig = rig().await;
    let mut client = rig.provoke(Answer::Reset).await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(client.rest().await, b"some");
    left_alone(rig).await;
}

#[tokio::test]
async fn requests_that_are_never_answered_hold_their_own_places_and_no_others_s14a_s38a() {
    let rig = rig().await;
    let held = [rig.provoke(Answer::Never).await, rig.provoke(Answer::Informed).await];
    rig.traffic.goes_on().await;
    drop(held);
    left_alone(rig).await;
}

#[tokio::test]
async fn a_body_without_an_end_is_passed_on_until_its_client_leaves_s38a() {
    let rig = rig().await;
    let mut client = rig.provoke(Answer::EndlessBody).await;
    assert_eq!(client.head().await.status, 200);
    let mut body = Vec::new();
    while body.len() < 4000 {
        body.extend(client.chunk().await);
    }
    assert!(body.starts_with(&b"more".repeat(1000)));
    rig.traffic.goes_on().await;
    drop(client);
    left_alone(rig).await;
}

#[tokio::test]
async fn a_redirect_is_the_clients_to_follow_s29a() {
    let rig = rig().await;
    let response = rig.provoke(Answer::Redirected).await.response().await;
    assert_eq!((response.status, response.header("location")), (307, Some("/answer/redirected")));
    left_alone(rig).await;
}

#[tokio::test]
async fn a_connection_that_a_runner_half_closes_costs_at_most_the_request_on_it_s39c() {
    let rig = rig().await;
    let closed = 20;
    for _ in 0..closed {
        let response = rig.provoke(Answer::HalfClosed).await.response().await;
        assert!([200, 503].contains(&response.status));
    }
    for runner in [1, 2] {
        rig.left_alone(runner, 4).await;
    }
    rig.lost_at_most(closed).await;
}

/// No request of the traffic takes as long on a busy machine.
fn impatient() -> AppSpec {
    app(patiently().failure_threshold(1_000_000)).request_timeout(Duration::from_secs(5))
}

#[tokio::test]
async fn a_request_that_is_never_answered_has_its_runner_checked_and_a_healthy_one_is_kept_s25_s38f() {
    let rig = Rig::start(impatient()).await;
    let response = rig.provoke(Answer::Never).await.response().await;
    assert_eq!((response.status, response.error_type().as_str()), (504, "request_timeout"));
    let checked = |runner| {
        let host = &rig.host;
        Box::pin(async move { host.checked_on_request(runner, 1).await })
    };
    futures_util::future::select(checked(1), checked(2)).await;
    left_alone(rig).await;
}

#[tokio::test]
async fn a_request_that_is_never_answered_ends_an_unhealthy_runner_s25_s38f() {
    let rig = Rig::start(impatient()).await;
    rig.tell_both("check", Check::Failing).await;
    let response = rig.provoke(Answer::Never).await.response().await;
    assert_eq!((response.status, response.error_type().as_str()), (504, "request_timeout"));
    let ended = |runner| {
        let host = &rig.host;
        Box::pin(async move { host.ended(runner).await })
    };
    let (record, _) = futures_util::future::select(ended(1), ended(2)).await.factor_first();
    assert_eq!(record.reason, Reason::ManualCheckFailed);
    assert_eq!(record.checks.last().unwrap().trigger, Trigger::Manual);
    rig.lost_none().await;
}

#[tokio::test]
async fn a_runner_whose_every_request_is_stuck_is_replaced_although_it_passes_its_checks_s53a() {
    let app = hasty(patiently()).request_timeout(Duration::from_secs(1));
    let rig = Rig::start(app).await;
    let told = rig.tell("do", Deed::Deadlock).await;
    let record = rig.host.ended(told.runner()).await;
    assert_eq!(record.reason, Reason::Unhealthy);
    let outcomes: Vec<_> = record.checks.iter().rev().map(|check| check.outcome).take(2).collect();
    assert_eq!(outcomes, [Outcome::Failure(Failure::Wedged); 2]);
    rig.host.checked(3, 1).await;
    rig.traffic.goes_on().await;
    let failures = rig.traffic.end().await;
    assert!(failures.len() <= SLOTS as usize, "{} requests were stuck", failures.len());
    for failure in failures {
        assert_eq!((failure.status, failure.error_type().as_str()), (504, "request_timeout"));
    }
}
