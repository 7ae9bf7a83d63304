//! Requests to a `TestApp`, as a client sends them.

use fal_runtime::prelude::*;
use fal_runtime::testing::TestApp;
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct Input {
    #[serde(default)]
    text: String,
}

#[derive(Default)]
struct Wire;

#[app]
impl Wire {
    #[endpoint("/")]
    async fn length(&self, input: Input, response: &mut ResponseHead) -> usize {
        response.set_status(StatusCode::ACCEPTED);
        if input.text.is_empty() {
            response.request_health_check();
        }
        input.text.len()
    }
}

#[tokio::test]
async fn a_request_goes_the_whole_way_and_gives_what_a_client_reads() {
    let app = TestApp::<Wire>::start().await.unwrap();
    let response = app.post("/").json(&json!({ "text": "abc" })).send().await.unwrap();
    assert_eq!((response.status(), response.json::<usize>().unwrap()), (StatusCode::ACCEPTED, 3));
    assert_eq!(app.health_checks_requested(), 0);

    let response = app.post("/").json(&json!({})).header("x-fal-request-id", "42").send().await.unwrap();
    assert_eq!(response.headers()["x-fal-request-id"], "42");
    assert_eq!(response.headers()["x-fal-runner-health-check"], "true");
    assert_eq!(app.health_checks_requested(), 1);
}

#[test]
fn what_a_request_lacks_is_answered_as_to_a_client() {
    let app = TestApp::<Wire>::start().wait().unwrap();
    let response = app.post("/").body("text").send().wait().unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let response = app.get("/unknown").send().wait().unwrap();
    assert_eq!(response.json::<Value>().unwrap()["detail"], "Path /unknown not found");
    assert!(response.text().contains("not found"));
}

#[test]
fn a_request_that_cannot_be_made_is_an_error() {
    let app = TestApp::<Wire>::start().wait().unwrap();
    assert!(app.post("/").header("no header", "1").send().wait().is_err());
}

#[test]
#[should_panic(expected = "Wire has no health check")]
fn a_health_check_that_is_not_declared_is_no_pass() {
    let app = TestApp::<Wire>::start().wait().unwrap();
    drop(app.health());
}
