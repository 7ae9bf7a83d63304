use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tower::service_fn;

use crate::endpoint::{RequestId, Running, Served, method_not_allowed, serve};
use crate::error::failure;
use crate::{App, Calls, Declaration, Instance};

/// Where the built-in answer for people is (S6).
pub(crate) const HEALTH: &str = "/health";

/// Where the OpenAPI document is.
const DOCUMENT: &str = "/openapi.json";

/// Everything that an app answers over HTTP, to be served by a program of one's own.
///
/// The caller has made the app and ends it: `setup`, `handle_exit` and `teardown` are not called. At most
/// `max_multiplexing` calls run at a time, further ones wait; layers that the app declares are on it.
///
/// ```
/// use fal_runtime::prelude::*;
///
/// struct Greeter { greeting: String }
///
/// #[app]
/// impl Greeter {
///     async fn setup() -> Result<Self> {
///         Ok(Self { greeting: "hello".into() })
///     }
///
///     #[endpoint("/")]
///     async fn greet(&self) -> String {
///         self.greeting.clone()
///     }
/// }
///
/// # fn main() {
/// let router: axum::Router = fal_runtime::router(Greeter { greeting: "good morning".into() });
/// # let _ = router;
/// # }
/// ```
pub fn router<A: App>(app: A) -> Router {
    let app: Instance = Arc::new(app);
    let declaration = A::declaration();
    declaration.router(app, Calls::new(declaration.settings.max_multiplexing()))
}

/// Without the layers that the app declares.
pub(crate) fn build(app: &Declaration, running: Running) -> Router {
    let running = Arc::new(running);
    let mut router = Router::new().fallback(not_found);
    let endpoints = app.endpoints();
    for endpoint in &endpoints {
        let served = Arc::new(Served::new(endpoint, Arc::clone(&running)));
        let service = service_fn(move |request| {
            let served = Arc::clone(&served);
            async move { Ok(serve(served, request).await) }
        });
        router = router.route_service(endpoint.path(), service);
    }
    let is_free = |path| endpoints.iter().all(|endpoint| endpoint.path() != path);
    if is_free(HEALTH) {
        let version = app.settings.version();
        router = router.route(HEALTH, built_in(move || json!({ "version": version })));
    }
    if is_free(DOCUMENT) {
        let app = app.clone();
        router = router.route(DOCUMENT, built_in(move || app.openapi()));
    }
    router
}

/// Answers GET with a document that is made when it is first asked for.
fn built_in(make: impl Fn() -> Value + Send + Sync + 'static) -> MethodRouter {
    let document = Arc::new(LazyLock::new(move || Bytes::from(make().to_string())));
    any(move |request: Request| {
        let mut response = match *request.method() {
            Method::GET | Method::HEAD => {
                let mut response = Response::new(Body::from(Bytes::clone(&document)));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => method_not_allowed("GET, HEAD"),
        };
        RequestId::of(request.headers()).put_on(response.headers_mut());
        std::future::ready(response)
    })
}

async fn not_found(request: Request) -> Response {
    let mut response = failure(StatusCode::NOT_FOUND, &format!("Path {} not found", request.uri().path()));
    RequestId::of(request.headers()).put_on(response.headers_mut());
    response
}
