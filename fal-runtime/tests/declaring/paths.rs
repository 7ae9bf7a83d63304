//! Paths that are percent-encoded.

use axum::http::Method;
use fal_runtime::extract::Path;
use fal_runtime::prelude::*;

use crate::client::Client;

#[derive(Default)]
struct Cafe;

#[app]
impl Cafe {
    #[endpoint("/sync", method = GET)]
    async fn sync(&self) -> &'static str {
        "sync"
    }

    #[endpoint("/caf%c3%a9", method = GET)]
    async fn cafe(&self) -> &'static str {
        "café"
    }

    #[endpoint("/tables/{name}", method = GET)]
    async fn table(&self, Path(name): Path<String>) -> String {
        name
    }
}

#[tokio::test]
async fn encoded_unreserved_characters_are_the_same_path() {
    let client = Client::of(Cafe);
    for (path, text) in [
        ("/s%79nc", "sync"),
        ("/%73%79%6e%63", "sync"),
        ("/caf%C3%A9", "café"),
        ("/caf%c3%a9", "café"),
        ("/caf%C3%a9?a=%79", "café"),
        ("/%74ables/caf%c3%a9", "café"),
        ("/tables/a%2Fb", "a/b"),
        ("/tabl%65s/a%2fb", "a/b"),
    ] {
        assert_eq!(client.ask(Method::GET, path).await.body(), text, "{path}");
    }
}

#[tokio::test]
async fn a_path_with_a_slash_at_its_end_or_an_encoded_slash_is_another_path() {
    let client = Client::of(Cafe);
    for path in ["/sync/", "/sync%2F", "/tables%2Fa", "/%zz", "/s%79nc/"] {
        let answer = client.ask(Method::GET, path).await;
        let detail = answer.detail();
        assert_eq!(
            (answer.status.as_u16(), detail.as_str().unwrap().starts_with("Path /")),
            (404, true),
            "{path}"
        );
    }
    let wrong_method = client.ask(Method::POST, "/s%79nc").await;
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
}
