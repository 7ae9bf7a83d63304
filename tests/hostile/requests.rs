//! Requests that are answered wrongly: S14, S29, S38, S39. None of it is a reason to end a runner that passes its
//! checks.

use crate::fault::Answer;
use crate::rig::{Rig, app, patiently};

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
async fn a_request_that_is_lost_is_answered_by_the_host_and_ends_no_runner_s34_s39() {
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
async fn a_response_that_is_reset_within_its_body_ends_its_client_alone_s39() {
    let rig = rig().await;
    let mut client = rig.provoke(Answer::Reset).await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(client.rest().await, b"some");
    left_alone(rig).await;
}

#[tokio::test]
async fn requests_that_are_never_answered_hold_their_own_places_and_no_others_s14_s38() {
    let rig = rig().await;
    let held = [rig.provoke(Answer::Never).await, rig.provoke(Answer::Informed).await];
    rig.traffic.goes_on().await;
    drop(held);
    left_alone(rig).await;
}

#[tokio::test]
async fn a_body_without_an_end_is_passed_on_until_its_client_leaves_s38() {
    let rig = rig().await;
    let mut client = rig.provoke(Answer::EndlessBody).await;
    assert_eq!(client.head().await.status, 200);
    for _ in 0..1000 {
        assert_eq!(client.chunk().await[..4], *b"more");
    }
    rig.traffic.goes_on().await;
    drop(client);
    left_alone(rig).await;
}

#[tokio::test]
async fn a_redirect_is_the_clients_to_follow_s29_s38() {
    let rig = rig().await;
    let response = rig.provoke(Answer::Redirected).await.response().await;
    assert_eq!((response.status, response.header("location")), (307, Some("/answer/redirected")));
    left_alone(rig).await;
}

#[tokio::test]
async fn a_connection_that_a_runner_half_closes_costs_at_most_the_request_on_it_s39() {
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
