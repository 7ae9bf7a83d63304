//! `ResponseHead`: status, headers, and requests for a health check.

use axum::http::Method;
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

const CHECK: &str = "x-fal-runner-health-check";

#[derive(Default)]
struct Speaking;

#[app]
impl Speaking {
    #[endpoint("/created")]
    async fn created(&self, response: &mut ResponseHead) -> u32 {
        response.set_status(StatusCode::CREATED);
        response.headers_mut().insert("x-own", 1.into());
        response.request_health_check();
        7
    }

    #[endpoint("/created/blocking")]
    fn created_blocking(&self, response: &mut ResponseHead) -> u32 {
        response.set_status(StatusCode::CREATED);
        response.headers_mut().insert("x-own", 1.into());
        response.request_health_check();
        7
    }

    #[endpoint("/error")]
    async fn error(&self, response: &mut ResponseHead) -> Result<()> {
        spoil(response);
        Err(Error::msg("lost"))
    }

    #[endpoint("/error/blocking")]
    fn error_blocking(&self, response: &mut ResponseHead) -> Result<()> {
        spoil(response);
        Err(Error::msg("lost"))
    }

    #[endpoint("/panic")]
    async fn panics(&self, response: &mut ResponseHead) {
        spoil(response);
        panic!("lost");
    }

    #[endpoint("/panic/blocking")]
    fn panics_blocking(&self, response: &mut ResponseHead) {
        spoil(response);
        panic!("lost");
    }

    #[endpoint("/no-content")]
    async fn no_content(&self, response: &mut ResponseHead) {
        response.set_status(StatusCode::NO_CONTENT);
    }

    #[endpoint("/informational")]
    async fn informational(&self, response: &mut ResponseHead) {
        response.set_status(StatusCode::CONTINUE);
        response.request_health_check();
    }
}

fn spoil(response: &mut ResponseHead) {
    response.set_status(StatusCode::OK);
    response.headers_mut().insert("x-own", 1.into());
    response.request_health_check();
}

async fn ask(path: &str) -> crate::client::Answer {
    Client::of(Speaking).ask(Method::POST, path).await
}

#[tokio::test]
async fn the_head_that_an_endpoint_sets_is_sent() {
    for path in ["/created", "/created/blocking"] {
        let answer = ask(path).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("x-own"), Some("1"));
        assert_eq!(answer.header(CHECK), Some("true"));
        assert_eq!(answer.body(), json!(7));
    }
}

#[tokio::test]
async fn a_request_for_a_check_outlives_errors_and_panics_and_nothing_else_does_s27c() {
    for path in ["/error", "/error/blocking", "/panic", "/panic/blocking"] {
        let answer = ask(path).await;
        assert_eq!(answer.status, 500, "{path}");
        assert_eq!(answer.header(CHECK), Some("true"), "{path}");
        assert_eq!(answer.header("x-own"), None, "{path}");
    }
}

#[tokio::test]
async fn a_status_that_has_no_body_is_sent_without_one() {
    let answer = ask("/no-content").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(answer.header("content-type"), None);
}

#[tokio::test]
async fn a_status_that_ends_no_request_is_an_error() {
    let answer = ask("/informational").await;
    assert_eq!((answer.status.as_u16(), answer.header(CHECK)), (500, Some("true")));
    assert_eq!(answer.detail(), "Internal Server Error");
}
