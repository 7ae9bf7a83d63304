//! Endpoints that answer another method than POST.

use axum::http::Method;
use fal_runtime::extract::{Path, Query};
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

#[derive(Deserialize, JsonSchema)]
struct Page {
    #[serde(default)]
    start: u32,
}

#[derive(Default)]
struct Shop;

#[app]
impl Shop {
    #[endpoint("/info", method = GET)]
    async fn info(&self, Query(page): Query<Page>, response: &mut ResponseHead) -> u32 {
        response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
        page.start
    }

    #[endpoint("/orders/{id}", method = GET)]
    fn order(&self, Path(id): Path<u32>) -> u32 {
        id
    }

    #[endpoint("/orders/{id}", method = PUT, body_limit = 4)]
    async fn replace(&self, Path(id): Path<u32>, input: u32) -> u32 {
        id + input
    }

    #[endpoint("/orders/{id}", method = DELETE)]
    async fn delete(&self, Path(id): Path<u32>) -> String {
        format!("{id} is deleted")
    }

    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) {}
}

#[endpoints]
impl Shop {
    #[endpoint("/orders/{id}", method = PATCH)]
    async fn change(&self, Path(id): Path<u32>, input: u32) -> u32 {
        id - input
    }

    #[endpoint("/orders/{id}")]
    async fn confirm(&self, Path(_id): Path<u32>) -> &'static str {
        "confirmed"
    }

    #[endpoint("/events", method = GET)]
    async fn events(&self, events: &mut Events<u32>) -> Result<()> {
        events.send(1).await
    }
}

#[tokio::test]
async fn an_endpoint_answers_the_method_that_it_declares_s5() {
    let client = Client::of(Shop);
    let answer = client.ask(Method::GET, "/info?start=3").await;
    assert_eq!((answer.body(), answer.header("cache-control")), (json!(3), Some("max-age=60")));
    assert_eq!(client.ask(Method::HEAD, "/info").await.status, StatusCode::OK);
    assert_eq!(client.ask(Method::GET, "/events").await.text, "data: 1\n\n");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = client.ask(method, "/info").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")));
    }
}

#[tokio::test]
async fn endpoints_at_one_path_differ_in_their_methods_s2e() {
    let client = Client::of(Shop);
    assert_eq!(client.ask(Method::GET, "/orders/7").await.body(), json!(7));
    assert_eq!(client.ask(Method::DELETE, "/orders/7").await.body(), json!("7 is deleted"));
    assert_eq!(client.ask(Method::POST, "/orders/7").await.body(), json!("confirmed"));
    for (method, result) in [(Method::PUT, 9), (Method::PATCH, 5)] {
        assert_eq!(client.send_json(method, "/orders/7", &json!(2)).await.body(), json!(result));
    }
    let too_large = client.send_json(Method::PUT, "/orders/7", &json!(12345)).await;
    assert_eq!(too_large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = client.ask(Method::OPTIONS, "/orders/7").await;
    let allow = answer.header("allow");
    assert_eq!((answer.status.as_u16(), allow), (405, Some("DELETE, GET, HEAD, PATCH, POST, PUT")));
}

#[test]
fn the_document_has_each_method_of_a_path() {
    let document = Shop::declaration().openapi();
    let operations = |path: &str| -> Vec<(String, String)> {
        let item = document["paths"][path].as_object().unwrap();
        let id = |operation: &serde_json::Value| operation["operationId"].as_str().unwrap().to_owned();
        item.iter().map(|(method, operation)| (method.clone(), id(operation))).collect()
    };
    let expected = [("get", "order"), ("put", "replace"), ("delete", "delete"), ("patch", "change")];
    let expected = expected.into_iter().chain([("post", "confirm")]);
    let expected: Vec<_> = expected.map(|(method, id)| (method.to_owned(), id.to_owned())).collect();
    assert_eq!(operations("/orders/{id}"), expected);
    assert_eq!(operations("/info"), [("get".to_owned(), "info".to_owned())]);
    assert!(document["paths"]["/orders/{id}"]["put"]["requestBody"].is_object());
    assert!(document["paths"]["/orders/{id}"]["get"]["requestBody"].is_null());
}

mod renamed {
    use super::*;

    #[derive(Default)]
    pub(super) struct RenamedParameters;

    #[app]
    impl RenamedParameters {
        #[endpoint("/orders/{id}", method = GET)]
        async fn order(&self, Path(id): Path<u32>) -> u32 {
            id
        }
    }

    #[endpoints]
    impl RenamedParameters {
        #[endpoint("/orders/{order}", method = DELETE)]
        async fn delete(&self, Path(order): Path<u32>) -> u32 {
            order
        }
    }
}

#[test]
fn an_app_does_not_start_whose_endpoints_name_a_parameter_differently() {
    let problem =
        "`order` and `delete` name the parameters of one path differently: write \"/orders/{id}\" for both";
    assert_eq!(renamed::RenamedParameters::declaration().problems(), [problem]);
}
