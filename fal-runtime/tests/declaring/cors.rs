//! Requests of web pages that come from elsewhere.

use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::Response;
use fal_runtime::prelude::{app, endpoint};
use fal_runtime::{App, Cors, Router};

use crate::client::{Answer, Client};

#[derive(Default)]
struct Open;

#[app(cors)]
impl Open {
    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[derive(Default)]
struct Restricted;

#[app(cors = Cors::only(&["https://app.example.com", "http://localhost:3000"]))]
impl Restricted {
    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[derive(Default)]
struct Closed;

#[app]
impl Closed {
    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[derive(Default)]
struct Fragile;

#[app(cors = Cors::only(&["https://app.example.com"]))]
impl Fragile {
    fn layer(router: Router) -> Router {
        router.layer(axum::middleware::map_response(async |_: Response| -> Response {
            panic!("a bug of a layer")
        }))
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

async fn ask(app: impl App, method: Method, path: &str, origin: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    Client::of(app).send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn an_open_app_answers_preflights_and_lets_errors_be_read() {
    let preflight = ask(Open, Method::OPTIONS, "/", "https://a.example").await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("*"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("*"));
    assert_eq!(preflight.header("access-control-max-age"), Some("600"));
    for (method, path, status) in
        [(Method::POST, "/", 200), (Method::POST, "/x", 404), (Method::GET, "/", 405)]
    {
        let answer = ask(Open, method, path, "https://a.example").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("*"), "{path}");
    }
}

#[tokio::test]
async fn a_restricted_app_names_only_its_own_origins() {
    for origin in ["https://app.example.com", "http://localhost:3000"] {
        for (method, path) in [(Method::OPTIONS, "/"), (Method::POST, "/"), (Method::POST, "/x")] {
            let answer = ask(Restricted, method, path, origin).await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        }
    }
    let preflight = ask(Restricted, Method::OPTIONS, "/", "https://app.example.com").await;
    assert_eq!(preflight.header("access-control-max-age"), Some("600"));
    let other = ask(Restricted, Method::OPTIONS, "/", "https://other.example").await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn options_without_an_origin_is_no_preflight() {
    let answer = Client::of(Open).ask(Method::OPTIONS, "/").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn without_the_option_no_page_from_elsewhere_may() {
    let preflight = ask(Closed, Method::OPTIONS, "/", "https://a.example").await;
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_page_reads_that_a_layer_has_panicked() {
    let request = Request::post("/").header("origin", "https://app.example.com").body(Body::empty());
    let answer = Client::of(Fragile).send(request.unwrap()).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.detail(), "Internal Server Error");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
}
