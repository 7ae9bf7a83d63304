//! Bearer tokens, and extractors that see the app.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::Request;
use fal_runtime::extract::{Bearer, FromApp, MissingBearer, Parts, SecurityScheme};
use fal_runtime::prelude::*;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

struct Chat {
    names: HashMap<&'static str, &'static str>,
}

/// Who is calling.
struct Caller(String);

impl FromApp<Chat> for Caller {
    const SECURITY: &'static [SecurityScheme] = &[SecurityScheme::BEARER];

    async fn from_app(app: &Chat, request: &Parts) -> Result<Self> {
        let bearer = Bearer::from_headers(&request.headers).ok_or(MissingBearer)?;
        let name = app.names.get(bearer.token()).status(StatusCode::FORBIDDEN).detail("unknown key")?;
        tokio::task::yield_now().await;
        Ok(Self((*name).to_owned()))
    }
}

/// The number of names, without authentication.
struct Count(usize);

impl FromApp<Chat> for Count {
    async fn from_app(app: &Chat, _: &Parts) -> Result<Self> {
        Ok(Self(app.names.len()))
    }
}

#[app]
impl Chat {
    fn setup() -> Result<Self> {
        Ok(Self { names: HashMap::from([("secret", "ada")]) })
    }

    #[endpoint("/say")]
    async fn say(&self, Caller(name): Caller, Count(count): Count, text: String) -> String {
        format!("{name} of {count}: {text}")
    }

    #[endpoint("/whoami", method = GET)]
    fn whoami(&self, Caller(name): Caller) -> String {
        name
    }

    #[endpoint("/token")]
    async fn token(&self, bearer: Bearer) -> bool {
        bearer.is("secret")
    }

    #[endpoint("/maybe")]
    async fn maybe(&self, bearer: Option<Bearer>) -> bool {
        bearer.is_some()
    }
}

/// An app that takes an extractor of another one.
#[derive(Default)]
struct Stranger;

#[app]
impl Stranger {
    #[endpoint("/")]
    async fn count(&self, Count(count): Count) -> usize {
        count
    }
}

async fn ask(method: &str, path: &str, authorization: Option<&str>, body: &str) -> Answer {
    let client = Client::of(Chat { names: HashMap::from([("secret", "ada")]) });
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    client.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn an_extractor_sees_the_app() {
    let said = ask("POST", "/say", Some("Bearer secret"), "\"hello\"").await;
    assert_eq!(said.body(), "ada of 1: hello");
    assert_eq!(ask("GET", "/whoami", Some("bearer secret"), "").await.body(), "ada");
}

#[tokio::test]
async fn an_error_of_an_extractor_is_the_response_with_its_headers() {
    let missing = ask("POST", "/say", None, "\"hello\"").await;
    assert_eq!((missing.status.as_u16(), missing.header("www-authenticate")), (401, Some("Bearer")));
    let unknown = ask("POST", "/say", Some("Bearer other"), "\"hello\"").await;
    assert_eq!((unknown.status.as_u16(), unknown.detail()), (403, json!("unknown key")));
}

#[tokio::test]
async fn a_bearer_token_is_required_unless_it_is_optional() {
    let missing = ask("POST", "/token", Some("Basic abc"), "").await;
    assert_eq!((missing.status.as_u16(), missing.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(missing.detail(), "Not authenticated: send `authorization: Bearer …`");
    assert_eq!(ask("POST", "/token", Some("Bearer secret"), "").await.body(), true);
    assert_eq!(ask("POST", "/maybe", None, "").await.body(), false);
}

#[test]
fn the_document_has_the_schemes_and_statuses_of_the_extractors() {
    let document = Chat::declaration().openapi();
    let operation = |path: &str, method: &str| document["paths"][path][method].clone();
    for operation in [operation("/say", "post"), operation("/whoami", "get"), operation("/token", "post")] {
        assert_eq!(operation["security"], json!([{ "bearer": [] }]));
        for status in ["401", "403"] {
            assert!(operation["responses"].get(status).is_some(), "{status}");
        }
        assert_eq!(operation.get("x-fal-undocumented-arguments"), None);
    }
    assert_eq!(operation("/maybe", "post")["security"], json!([{ "bearer": [] }, {}]));
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes, &json!({ "bearer": { "type": "http", "scheme": "bearer" } }));
}

#[test]
fn an_extractor_of_another_app_is_an_error_at_start() {
    let problems = Stranger::declaration().problems();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert!(problem.contains("`count` takes") && problem.contains("for another app"), "{problem}");
    assert_eq!(Chat::declaration().problems(), [""; 0]);
    let _: Value = Stranger::declaration().openapi();
}
