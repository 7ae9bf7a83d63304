//! The router of an app: its endpoints, and what answers beside them.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Either;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use indexmap::IndexMap;
use serde_json::Value;
use tower::{Service, ServiceExt, service_fn};

use crate::app::{App, Declaration, Instance};
#[cfg(feature = "cli")]
use crate::docs_page;
use crate::endpoint::{AppState, Endpoint, EndpointService, RequestId, allow, method_not_allowed, serve};
use crate::error::failure;
use crate::json::object;
use crate::metrics;
use crate::normal_path::{normal_uri, normalize};
use crate::openapi::{HEALTH_PATH, parameter_types};
use crate::server::ConcurrencyLimit;

/// The path of the OpenAPI document.
const DOCUMENT: &str = "/openapi.json";

/// Builds an axum router of an app, for a program that serves it itself.
///
/// `setup`, `handle_exit` and `teardown` are not called: the caller makes the app and drops it. At most
/// `max_multiplexing` calls run at the same time; further ones wait. The app's own layers are included.
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
///
/// # Panics
///
/// If no request can reach or satisfy an endpoint, for example if it has a `Path` struct with a field that matches no parameter of
/// the path. The other ways to start an app report the same text as an error.
#[track_caller]
pub fn router<A: App>(app: A) -> Router {
    let app: Instance = Arc::new(app);
    let declaration = A::declaration();
    let problems = declaration.invalid_endpoints();
    let name = declaration.settings.name();
    assert!(problems.is_empty(), "invalid declaration of the app `{name}`: {}", problems.join("; "));
    declaration.router(app, ConcurrencyLimit::new(declaration.settings.max_multiplexing()))
}

impl Declaration {
    /// Builds the router of the app, with its layers. Extractors that fit no request are reported by
    /// [`problems`](Self::problems).
    #[doc(hidden)]
    pub fn router(&self, instance: Instance, calls: Arc<ConcurrencyLimit>) -> Router {
        self.surround(build(self, instance, calls))
    }

    /// Adds the app's layers to a router.
    pub(crate) fn surround(&self, router: Router) -> Router {
        let router = (self.layer)(router);
        // CORS is the outermost layer, so that web pages can read rejections of the other layers.
        match self.settings.cors() {
            Some(cors) => cors.around(router),
            None => router,
        }
    }
}

/// Builds the router without the app's layers.
pub(crate) fn build(app: &Declaration, instance: Instance, calls: Arc<ConcurrencyLimit>) -> Router {
    metrics::set_version(app.settings.version());
    let running = Arc::new(AppState::new(&app.settings, instance, calls));
    let mut router = Router::new();
    let endpoints = app.endpoints();
    for path in paths(&endpoints, &running) {
        let route = normalize(path.path).unwrap_or_else(|| path.path.to_owned());
        router = router.route_service(&route, service(Target::Endpoints(Arc::new(path))));
    }
    let is_free = |path| endpoints.iter().all(|endpoint| endpoint.path() != path);
    if is_free(HEALTH_PATH) {
        let version = app.settings.version();
        let health = Target::document(move || object([("version", version.into())]).into());
        router = router.route_service(HEALTH_PATH, service(health));
    }
    if is_free(DOCUMENT) {
        let app = app.clone();
        let document = move || {
            for promise in app.unenforced_rules() {
                tracing::warn!("{promise}");
            }
            app.openapi()
        };
        router = router.route_service(DOCUMENT, service(Target::document(document)));
    }
    let by_normal_path = router.clone().fallback_service(service(Target::Nothing));
    router.fallback_service(service(Target::NormalPath(by_normal_path)))
}

/// Adds the page of the endpoints to the router of an app, unless an endpoint has its path (S78a).
#[cfg(feature = "cli")]
pub(crate) fn with_docs(app: &Declaration, router: Router) -> Router {
    if app.endpoints().iter().any(|endpoint| endpoint.path() == docs_page::PATH) {
        tracing::warn!(
            "an endpoint of the app has the path {}: there is no page of its endpoints",
            docs_page::PATH
        );
        return router;
    }
    router.route_service(docs_page::PATH, service(Target::Docs))
}

/// The endpoints at one path, which differ in their methods.
#[derive(Debug)]
struct PathServices {
    path: &'static str,
    services: Vec<Arc<EndpointService>>,
    /// The methods that they answer.
    allow: HeaderValue,
}

/// The endpoints by path, in the order of declaration.
fn paths(endpoints: &[&'static Endpoint], state: &Arc<AppState>) -> Vec<PathServices> {
    let mut paths: IndexMap<&str, Vec<Arc<EndpointService>>> = IndexMap::new();
    for endpoint in endpoints {
        let service = Arc::new(EndpointService::new(endpoint, parameter_types(endpoint), Arc::clone(state)));
        paths.entry(endpoint.path()).or_default().push(service);
    }
    let paths = paths.into_iter().map(|(path, services)| {
        let methods: Vec<_> = services.iter().flat_map(|service| service.methods()).copied().collect();
        // Names of methods are always a valid value.
        let allow = HeaderValue::try_from(allow(&methods)).unwrap_or(HeaderValue::from_static("POST"));
        PathServices { path, services, allow }
    });
    paths.collect()
}

/// What answers at a path. One type for all keeps the router's generic code small.
#[derive(Clone)]
enum Target {
    Endpoints(Arc<PathServices>),
    /// A document that is built at the first request.
    Document(Arc<LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send>>>),
    /// The page `/docs`.
    #[cfg(feature = "cli")]
    Docs,
    /// What answers at the normal form of a path that has no route itself.
    NormalPath(Router),
    Nothing,
}

impl Target {
    fn document(make: impl FnOnce() -> Value + Send + 'static) -> Self {
        // A `Value` can always be serialized.
        let bytes = move || serde_json::to_vec(&make()).map(Bytes::from).unwrap_or_default();
        Self::Document(Arc::new(LazyLock::new(Box::new(bytes))))
    }

    /// Nearly all requests are for an endpoint. So no room is made for the other futures, and the request is moved once.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send + use<> {
        match self.endpoint(&request) {
            Some(service) => Either::Left(serve(Arc::clone(service), request)),
            None => Either::Right(self.clone().answer_without_endpoint(request).boxed()),
        }
    }

    fn endpoint(&self, request: &Request) -> Option<&Arc<EndpointService>> {
        match self {
            // The router accepts an empty parameter between slashes, but not at the end. Here both are 404.
            Self::Endpoints(path) if !request.uri().path().contains("//") => {
                path.services.iter().find(|service| service.answers(request.method()))
            }
            _ => None,
        }
    }

    async fn answer_without_endpoint(self, request: Request) -> Response {
        let mut response = match self {
            Self::Endpoints(path) if !request.uri().path().contains("//") => {
                method_not_allowed(path.allow.clone())
            }
            Self::Document(document) => match *request.method() {
                Method::GET | Method::HEAD => {
                    let mut response = Response::new(Body::from(Bytes::clone(&document)));
                    let json = HeaderValue::from_static("application/json");
                    response.headers_mut().insert(CONTENT_TYPE, json);
                    response
                }
                _ => method_not_allowed(HeaderValue::from_static("GET, HEAD")),
            },
            #[cfg(feature = "cli")]
            Self::Docs => match *request.method() {
                Method::GET | Method::HEAD => docs_page::response(),
                _ => method_not_allowed(HeaderValue::from_static("GET, HEAD")),
            },
            Self::NormalPath(router) => match normal_uri(request.uri()) {
                Some(uri) => {
                    let mut request = request;
                    *request.uri_mut() = uri;
                    return infallible(router.oneshot(request).await);
                }
                None => not_found(&request),
            },
            Self::Endpoints(_) | Self::Nothing => not_found(&request),
        };
        RequestId::of(request.headers()).put_on(response.headers_mut());
        response
    }
}

fn not_found(request: &Request) -> Response {
    failure(StatusCode::NOT_FOUND, &format!("Path {} not found", request.uri().path()))
}

fn infallible(result: Result<Response, Infallible>) -> Response {
    match result {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn service(
    target: Target,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
    service_fn(move |request| target.answer(request).map(Ok))
}
