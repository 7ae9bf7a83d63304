//! Requests that exceed `request_timeout`: S25, S38.

use std::time::Duration;

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
