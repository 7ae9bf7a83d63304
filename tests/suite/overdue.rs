//! Requests that exceed `request_timeout`: S25, S38.

use std::time::Duration;

use fal_health::{Failure, Outcome};
use fal_host::Reason;
use fal_tests::Answer;

use crate::harness::*;

#[tokio::test]
async fn a_runner_that_does_not_answer_a_request_in_time_is_checked_at_once_and_replaced_s25_s38f() {
    let director = Director::new();
    director.answer(Kind::ManualCheck, Answer::fail());
    let config = health().start_period_seconds(3600).failure_threshold(100);
    let app = app(config).request_timeout(Duration::from_secs(1));
    let host = TestHost::start(&director, app).await;
    let response = host.call("never answered").await.response().await;
    assert_eq!(response.status, 504);
    assert_eq!(response.error_type(), "request_timeout");
    assert_eq!(host.terminating(1).await, Reason::ManualCheckFailed);
    assert_eq!(host.ended(1).await.reason, Reason::ManualCheckFailed);
    host.ready(2).await;
}

#[tokio::test]
async fn a_runner_with_a_deadlocked_call_is_wedged_and_replaced_s53a_s53c() {
    let director = Director::new();
    let app = blocking_app(health()).request_timeout(Duration::from_millis(500));
    let host = TestHost::start(&director, app).await;
    assert_eq!(host.call("deadlocked").await.response().await.status, 504);
    let wedged = async || host.info(1).await.and_then(|info| info.health).is_some_and(|health| health.wedged);
    let (seen, ended) = (wedged().await, host.terminating(1).await);
    assert!(seen, "it is shown while it lasts");
    assert_eq!(ended, Reason::Unhealthy);
    director.call("deadlocked").await.succeed().await;
    let record = host.ended(1).await;
    assert_eq!(record.checks.last().unwrap().outcome, Outcome::Failure(Failure::Wedged));
    host.ready(2).await;
}

#[tokio::test]
async fn a_runner_with_a_place_that_is_free_is_not_wedged_s53a() {
    let director = Director::new();
    let app = serving_at_a_time(2, health());
    let host =
        TestHost::start_with(&director, app, |builder| builder.wedged_after(Duration::from_millis(100)))
            .await;
    let stuck = host.call("stuck").await;
    let call = director.call("stuck").await;
    host.checked(1, 20).await;
    assert!(host.checks(1).iter().filter(|check| is_conclusive(check)).all(|it| it.outcome == Outcome::Pass));
    call.succeed().await;
    assert_eq!(stuck.response().await.status, 200);
}
