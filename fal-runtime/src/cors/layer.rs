//! Adds the CORS headers to the responses of a router, and answers preflight requests.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::Either;
use http::header::ORIGIN;
use http::{HeaderValue, Method};
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Cors, CorsLayer};

use super::origins::Origins;
use crate::endpoint::RequestId;
use crate::server::CatchPanicFuture;

/// How long browsers may cache the answer to a preflight request: the longest time that every browser accepts
/// (`WebKit` caches no longer).
const MAX_AGE: Duration = Duration::from_secs(600);

pub(super) fn around(origins: Origins, router: Router) -> Router {
    let cors = match origins {
        Origins::Any => CorsLayer::permissive(),
        Origins::Only(origins) => {
            // An origin is always a valid header value.
            let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(origins))
                .allow_credentials(true)
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
        }
    };
    // So that pages can read the error of a panic in a layer.
    router.layer((FromBrowsers(cors.max_age(MAX_AGE)), CatchPanicLayer))
}

/// Applies CORS to the requests of browsers. Without `origin` an OPTIONS request is an ordinary one, and not a preflight.
#[derive(Clone, Debug)]
struct FromBrowsers(CorsLayer);

impl<S: Clone> Layer<S> for FromBrowsers {
    type Service = Selected<Cors<S>, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Selected { cors: self.0.layer(inner.clone()), plain: inner }
    }
}

/// The service of [`FromBrowsers`].
#[derive(Clone, Debug)]
struct Selected<C, S> {
    cors: C,
    plain: S,
}

impl<C, S> Service<Request> for Selected<C, S>
where
    C: Service<Request, Response = Response, Error = S::Error>,
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<C::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        ready!(self.cors.poll_ready(cx))?;
        self.plain.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.method() == Method::OPTIONS && !request.headers().contains_key(ORIGIN) {
            Either::Right(self.plain.call(request))
        } else {
            Either::Left(self.cors.call(request))
        }
    }
}

/// A layer that turns a panic of the inner service into an error response.
#[derive(Clone, Copy, Debug)]
struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic(inner)
    }
}

/// The service of [`CatchPanicLayer`].
#[derive(Clone, Debug)]
struct CatchPanic<S>(S);

impl<S: Service<Request, Response = Response>> Service<Request> for CatchPanic<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        CatchPanicFuture { id: RequestId::given(request.headers()), response: self.0.call(request) }
    }
}
