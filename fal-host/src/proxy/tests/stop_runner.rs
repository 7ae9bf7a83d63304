//! Responses that ask for the stop of their runner (S58).

use super::rig::limits;
use super::{Rig, until};
use crate::proxy::{Limits, ManualChecks, Report};

const STOPS: &str = "X-Fal-Stop-Runner: true\r\n";

#[tokio::test]
async fn a_runner_that_asks_gets_no_more_requests_and_is_reported_once_s58b_s58d() {
    let mut rig = Rig::with(Limits { max_multiplexing: 2, ..limits() }).await;
    let runner = rig.runner();
    let (mut first, mut second) = (rig.get("/a").await, rig.get("/b").await);
    let (mut a, mut b) = (runner.accept().await, runner.accept().await);
    a.message().await;
    b.message().await;
    a.answer_with(STOPS, "ok").await;
    let response = first.message().await;
    assert_eq!((response.status(), response.header("x-fal-stop-runner")), (200, None));
    assert_eq!(rig.report().await, Report::StopRequested(runner.id));
    let _waits = rig.get("/c").await;
    until(|| rig.balancer.waiting() == 1).await;
    b.answer_with(STOPS, "ok").await;
    assert_eq!(second.message().await.header("x-fal-stop-runner"), None);
    assert!(rig.has_no_report(), "it is out of the rotation already");
    assert_eq!(rig.balancer.waiting(), 1);
}

#[tokio::test]
async fn values_that_do_not_ask_trailers_and_the_health_endpoint_stop_no_runner_s58a() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.get("/").await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer_with("x-fal-stop-runner: 0\r\nx-fal-stop-runner: False\r\n", "ok").await;
    assert!(client.message().await.all("x-fal-stop-runner").is_empty());
    client.get("/health").await;
    connection.message().await;
    connection.answer_with(STOPS, "ok").await;
    assert!(client.message().await.all("x-fal-stop-runner").is_empty());
    client.get("/").await;
    connection.message().await;
    connection
        .send(&format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-fal-stop-runner\r\n\r\n0\r\n{STOPS}\r\n"
        ))
        .await;
    client.message().await;
    assert!(rig.has_no_report());
}

#[tokio::test]
async fn a_request_cannot_carry_it_and_an_app_without_a_health_endpoint_asks_too_s58a() {
    let mut rig = Rig::with(Limits { manual_checks: ManualChecks::Ignored, ..limits() }).await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: test\r\n{STOPS}\r\n")).await;
    let mut connection = runner.accept().await;
    assert_eq!(connection.message().await.header("x-fal-stop-runner"), None);
    connection.answer_with(STOPS, "ok").await;
    client.message().await;
    assert_eq!(rig.report().await, Report::StopRequested(runner.id));
}
