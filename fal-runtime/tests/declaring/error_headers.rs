//! Headers of error responses.

use axum::http::Method;
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

#[derive(Debug, ApiError)]
enum Refused {
    #[api(status = 401, detail = "who are you?", header("www-authenticate", "Bearer realm=\"{realm}\""))]
    Unknown { realm: &'static str },

    #[api(
        status = 429,
        detail = "{1} requests wait",
        header("retry-after", "{0}"),
        header("x-waiting", "{1} of {0}")
    )]
    Busy(u32, u32),
}

#[derive(Default)]
struct Guarded;

#[app]
impl Guarded {
    #[endpoint("/declared")]
    async fn declared(&self, busy: bool) -> Result<(), Refused> {
        if busy { Err(Refused::Busy(30, 7)) } else { Err(Refused::Unknown { realm: "shop" }) }
    }

    #[endpoint("/added")]
    async fn added(&self) -> Result<()> {
        let busy = Error::new(StatusCode::SERVICE_UNAVAILABLE, "busy").header("retry-after", 5);
        Err(busy.header("vary", "a").header("vary", "b").header("content-length", 3))
    }

    #[endpoint("/context")]
    async fn context(&self) -> Result<()> {
        None::<()>.status(StatusCode::UNAUTHORIZED).header("www-authenticate", "Basic")
    }

    #[endpoint("/invalid")]
    async fn invalid(&self) -> Result<()> {
        Err(Error::new(StatusCode::CONFLICT, "taken").header("not a name", "x").header("x-a", "line\nbreak"))
    }

    #[endpoint("/kept")]
    async fn kept(&self, panics: bool, response: &mut ResponseHead) -> Result<()> {
        response.set_header("x-cache", "miss");
        response.set_header("retry-after", 9);
        response.headers_mut().insert("content-length", 3.into());
        response.keep_headers_on_error();
        assert!(!panics, "as asked");
        Err(Error::new(StatusCode::SERVICE_UNAVAILABLE, "busy").header("retry-after", 1))
    }

    #[endpoint("/dropped")]
    async fn dropped(&self, response: &mut ResponseHead) -> Result<()> {
        response.set_header("x-cache", "miss");
        Err(Error::new(StatusCode::CONFLICT, "taken"))
    }

    #[endpoint("/named")]
    async fn named(&self, name: String, response: &mut ResponseHead) -> u32 {
        response.set_header(&name, "true");
        7
    }
}

#[tokio::test]
async fn an_error_has_the_headers_that_are_added_to_it() {
    let client = Client::of(Guarded);
    let answer = client.ask(Method::POST, "/added").await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (503, json!("busy")));
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.headers.get_all("vary").iter().count(), 2);
    assert_eq!(answer.header("content-length"), None);
    let answer = client.ask(Method::POST, "/context").await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, Some("Basic")));
}

#[tokio::test]
async fn an_invalid_header_of_an_error_is_not_sent_and_the_rest_of_the_error_is() {
    let answer = Client::of(Guarded).ask(Method::POST, "/invalid").await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (409, json!("taken")));
    assert_eq!(answer.header("x-a"), None);
    let logged = Error::new(StatusCode::CONFLICT, "taken").header("not a name", "x").to_string();
    assert!(logged.contains("invalid header name \"not a name\""), "{logged}");
}

#[tokio::test]
async fn a_declared_error_has_its_headers_with_its_fields() {
    let client = Client::of(Guarded);
    let answer = client.post("/declared", json!(false)).await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"shop\""));
    let answer = client.post("/declared", json!(true)).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (429, json!("7 requests wait")));
    assert_eq!((answer.header("retry-after"), answer.header("x-waiting")), (Some("30"), Some("7 of 30")));
}

#[test]
fn the_document_names_the_headers_of_declared_errors() {
    let document = Guarded::declaration().openapi();
    let responses = &document["paths"]["/declared"]["post"]["responses"];
    let text = json!({ "schema": { "type": "string" } });
    assert_eq!(responses["401"]["headers"], json!({ "www-authenticate": text }));
    assert_eq!(responses["429"]["headers"], json!({ "retry-after": text, "x-waiting": text }));
}

#[tokio::test]
async fn headers_of_the_response_survive_an_error_only_where_the_endpoint_says_so() {
    let client = Client::of(Guarded);
    let kept = client.post("/kept", json!(false)).await;
    assert_eq!((kept.status.as_u16(), kept.detail()), (503, json!("busy")));
    assert_eq!(kept.header("x-cache"), Some("miss"));
    // The error's own header wins.
    assert_eq!(kept.headers.get_all("retry-after").iter().collect::<Vec<_>>(), ["1"]);
    assert_eq!(kept.header("content-length"), None);
    let panicked = client.post("/kept", json!(true)).await;
    assert_eq!((panicked.status.as_u16(), panicked.header("x-cache")), (500, Some("miss")));
    let dropped = client.ask(Method::POST, "/dropped").await;
    assert_eq!((dropped.status.as_u16(), dropped.header("x-cache")), (409, None));
}

#[tokio::test]
async fn a_header_is_set_by_its_name_and_an_invalid_name_is_an_error_of_the_endpoint() {
    let client = Client::of(Guarded);
    let named = client.post("/named", json!("X-Mode")).await;
    assert_eq!((named.body(), named.header("x-mode")), (json!(7), Some("true")));
    let invalid = client.post("/named", json!("not a name")).await;
    assert_eq!(invalid.detail(), "Internal Server Error");
}
