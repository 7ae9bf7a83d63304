//! Responses that ask for a check of their runner (S27 to S32).

use super::rig::limits;
use super::{Message, Rig, until, within};
use crate::proxy::{Limits, ManualChecks};

const ASKS: &str = "x-fal-runner-health-check: true\r\n";

/// One request to a runner that answers it with these header lines.
async fn one_exchange(rig: &mut Rig, path: &str, headers: &str) -> (super::rig::FakeRunner, Message) {
    let runner = rig.runner();
    let mut client = rig.get(path).await;
    let mut connection = runner.accept().await;
    connection.message().await;
    connection.answer_with(headers, "ok").await;
    let response = client.message().await;
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    (runner, response)
}

#[tokio::test]
async fn a_response_asks_for_a_check_and_the_client_does_not_see_it_s27a_s28c_s29a() {
    let mut rig = Rig::new().await;
    let headers = "x-fal-runner-health-check: 0\r\nX-FAL-Runner-Health-Check:\r\nx-other: 1\r\n";
    let (runner, response) = one_exchange(&mut rig, "/", headers).await;
    within(rig.asked.notified()).await;
    assert_eq!(rig.balancer.take_asked(), [runner.id]);
    assert_eq!(response.body, "ok");
    assert_eq!(response.header("x-other"), Some("1"));
    assert!(response.all("x-fal-runner-health-check").is_empty());
}

#[tokio::test]
async fn a_response_with_the_value_false_does_not_ask_and_is_stripped_s27b_s28c() {
    let mut rig = Rig::new().await;
    let (_, response) = one_exchange(&mut rig, "/", "x-fal-runner-health-check: False\r\n").await;
    assert!(rig.balancer.take_asked().is_empty());
    assert!(response.all("x-fal-runner-health-check").is_empty());
}

#[tokio::test]
async fn a_response_of_the_health_endpoint_does_not_ask_and_is_stripped_s28b_s28c() {
    let mut rig = Rig::new().await;
    let (_, response) = one_exchange(&mut rig, "/health?x", ASKS).await;
    assert!(rig.balancer.take_asked().is_empty());
    assert!(response.all("x-fal-runner-health-check").is_empty());
}

#[tokio::test]
async fn a_response_of_the_health_endpoint_does_not_ask_however_its_path_is_spelled_s28b() {
    for path in ["/%68ealth", "/health/", "//health", "/./health?x"] {
        let mut rig = Rig::new().await;
        one_exchange(&mut rig, path, ASKS).await;
        assert!(rig.balancer.take_asked().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn an_app_without_a_health_endpoint_has_the_header_stripped_and_ignored_s32b() {
    let mut rig = Rig::with(Limits { manual_checks: ManualChecks::Ignored, ..limits() }).await;
    let (runner, response) = one_exchange(&mut rig, "/", ASKS).await;
    assert!(rig.balancer.take_asked().is_empty());
    assert!(response.all("x-fal-runner-health-check").is_empty());
    let _next = rig.get("/next").await;
    assert_eq!(runner.accept().await.message().await.start, "GET /next HTTP/1.1", "no slot is held");
}

#[tokio::test]
async fn a_streaming_response_asks_when_its_headers_arrive_s29b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    connection.send(&format!("HTTP/1.1 200 OK\r\n{ASKS}transfer-encoding: chunked\r\n\r\n")).await;
    assert_eq!(client.head().await.status(), 200);
    within(rig.asked.notified()).await;
    assert_eq!(rig.balancer.take_asked(), [runner.id]);
    assert_eq!(rig.balancer.in_flight(runner.id), 1);
}

#[tokio::test]
async fn the_slot_of_a_request_that_asked_is_free_when_the_check_has_ended_s30() {
    let mut rig = Rig::new().await;
    let (runner, _) = one_exchange(&mut rig, "/", ASKS).await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    rig.balancer.manual_check_started(runner.id);
    assert_eq!((rig.balancer.waiting(), rig.balancer.in_flight(runner.id)), (1, 0));
    rig.balancer.manual_check_ended(runner.id);
    assert_eq!((rig.balancer.waiting(), rig.balancer.in_flight(runner.id)), (0, 1));
}

#[tokio::test]
async fn an_inconclusive_check_releases_the_held_permits_s20d() {
    let mut rig = Rig::new().await;
    let (runner, _) = one_exchange(&mut rig, "/", ASKS).await;
    let _next = rig.get("/next").await;
    until(|| rig.balancer.waiting() == 1).await;
    rig.balancer.manual_check_started(runner.id);
    rig.balancer.release_held(runner.id);
    assert_eq!((rig.balancer.waiting(), rig.balancer.in_flight(runner.id)), (0, 1));
}

#[tokio::test]
async fn a_response_of_a_runner_that_is_not_in_service_does_not_ask_s32b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (mut client, mut connection) = rig.request("/", &runner).await;
    rig.balancer.remove(runner.id);
    connection.answer_with(ASKS, "ok").await;
    let response = client.message().await;
    assert!(response.all("x-fal-runner-health-check").is_empty());
    assert!(rig.balancer.take_asked().is_empty());
}

#[tokio::test]
async fn what_asked_after_its_client_had_left_is_lost_s29c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let (client, mut connection) = rig.request("/", &runner).await;
    drop(client);
    connection.closed().await;
    connection.answer_with(ASKS, "ok").await;
    drop(connection);
    until(|| rig.balancer.in_flight(runner.id) == 0).await;
    assert!(rig.balancer.take_asked().is_empty());
}
