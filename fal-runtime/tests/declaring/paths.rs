//! Paths that are percent-encoded.

use axum::http::Method;
use fal_runtime::App;
use fal_runtime::extract::Path;
use fal_runtime::prelude::*;
use fal_runtime::testing::TestApp;

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

    #[endpoint("/tables/me", method = GET)]
    async fn own_table(&self) -> &'static str {
        "mine"
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

#[tokio::test]
async fn a_literal_path_comes_before_a_parameter_however_it_is_encoded_s97() -> Result<()> {
    let app = TestApp::of(Cafe)?;
    for path in ["/tables/me", "/tables/m%65", "/%74ables/%6De"] {
        assert_eq!(app.request(Method::GET, path).send().await?.json::<String>()?, "mine", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn an_encoded_reserved_character_stays_a_part_of_its_segment_s97() -> Result<()> {
    let app = TestApp::of(Cafe)?;
    assert_eq!(app.request(Method::GET, "/tables/a%2Fme").send().await?.json::<String>()?, "a/me");
    assert_eq!(app.request(Method::GET, "/tables/m%2565").send().await?.json::<String>()?, "m%65");
    Ok(())
}

#[derive(Default)]
struct Twice;

#[app]
impl Twice {
    #[endpoint("/me", method = GET)]
    async fn me(&self) {}
}

mod more {
    use super::*;

    #[endpoints]
    impl Twice {
        #[endpoint("/m%65", method = GET)]
        async fn encoded(&self) {}
    }
}

#[test]
fn one_path_in_two_spellings_is_a_problem() {
    let expected = "`me` and `encoded` write one path as \"/me\" and \"/m%65\": write the same for both";
    assert_eq!(Twice::declaration().problems(), [expected]);
    assert!(TestApp::of(Twice).unwrap_err().to_string().contains(expected));
}

#[derive(Default)]
struct Renamed;

#[app]
impl Renamed {
    #[endpoint("/users/{id}", method = GET)]
    async fn user(&self, Path(_): Path<u32>) {}
}

mod renamed {
    use super::*;

    #[endpoints]
    impl Renamed {
        #[endpoint("/users/{name}", method = DELETE)]
        async fn remove(&self, Path(_): Path<u32>) {}
    }
}

#[test]
#[should_panic = "`user` and `remove` name the parameters of one path differently: write \"/users/{id}\" for both"]
fn a_router_of_parameters_with_two_names_names_both_endpoints() {
    let _ = fal_runtime::router(Renamed);
}
