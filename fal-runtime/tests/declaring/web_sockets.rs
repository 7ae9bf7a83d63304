//! An endpoint that is a WebSocket, without a connection.

use axum::http::{Method, StatusCode};
use fal_runtime::__private::{Endpoint, EndpointMethod, HealthCheck, argument_info};
use fal_runtime::answer::Response;
use fal_runtime::extract::WebSocketUpgrade;
use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::Client;

type Renamed = WebSocketUpgrade;

#[derive(Default)]
struct Talk;

#[app]
impl Talk {
    /// Talks.
    #[endpoint("/talk", method = GET)]
    async fn talk(&self, upgrade: WebSocketUpgrade) -> Result<Response> {
        Ok(upgrade.on_upgrade(async |_| {}))
    }
}

#[derive(Default)]
struct Silent;

#[app]
impl Silent {
    #[endpoint("/talk", method = GET)]
    async fn talk(&self, _: Renamed) -> String {
        String::new()
    }
}

#[tokio::test]
async fn the_document_says_that_the_connection_switches_and_other_requests_get_400() {
    let document: Value = Talk::declaration().openapi();
    let operation = &document["paths"]["/talk"]["get"];
    let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["101", "400", "500", "503", "504", "default"]);
    assert_eq!(operation["x-fal-undocumented-arguments"], json!(null));
    let answer = Client::of(Talk).ask(Method::GET, "/talk").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.detail(), "Connection header did not include 'upgrade'");
}

#[test]
fn a_web_socket_endpoint_that_does_not_return_its_response_is_a_problem_of_the_declaration() {
    let problems = Silent::declaration().problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("`talk` takes `Renamed`") && problems[0].contains("`-> Response`"));
    assert_eq!(Talk::declaration().problems(), Vec::<String>::new());
}

/// In a declaration, which is a constant, it is a compile error.
#[test]
fn a_web_socket_by_another_method_or_as_a_health_check_does_not_compile_s70c() {
    let check = |declare: fn() -> Endpoint| {
        let panic = std::panic::catch_unwind(declare).unwrap_err();
        (*panic.downcast_ref::<&str>().unwrap()).to_owned()
    };
    let posted = check(|| Endpoint::new("/", "talk").takes::<Renamed, _>(argument_info!(Renamed)));
    assert_eq!(posted, "a WebSocket begins with a GET request: write `method = GET` after the path");
    let as_check = check(|| {
        let endpoint = Endpoint::new("/", "talk").checks_health(HealthCheck::new());
        endpoint.takes_head::<Renamed, _>(argument_info!(Renamed))
    });
    assert_eq!(as_check, "a health check cannot be a WebSocket: remove this argument");
    let _ = Endpoint::new("/", "talk")
        .answers(EndpointMethod::GET)
        .takes_head::<Renamed, _>(argument_info!(Renamed));
}
