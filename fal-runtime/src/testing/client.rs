//! Sends requests to an app under test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use fal_health::protocol::header::{self, is_asked};
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::pending::Pending;
use super::response::Response;
use super::runtime::Task;
use crate::error::Result;
use crate::normal_path::normal_uri;

/// Sends requests to an app under test, as its clients do.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) router: Router,
    pub(super) runtime: Handle,
    pub(super) requested: Arc<Requested>,
    /// A clone is held by every task of a call.
    pub(super) task: mpsc::Sender<()>,
    pub(super) health_path: Option<&'static str>,
}

impl Client {
    pub(super) fn send(&self, request: Result<http::Request<Bytes>>) -> Pending<'_, Result<Response>> {
        let requested = Arc::clone(&self.requested);
        let is_health_check = request
            .as_ref()
            .is_ok_and(|request| self.health_path.is_some_and(|path| path == request.uri().path()));
        let answer = self.answer(request);
        self.spawn(async move {
            let response = answer.await?;
            if !is_health_check {
                requested.count(response.headers());
            }
            Ok(response)
        })
    }

    /// Sends a request that is not counted.
    pub(super) fn answer(
        &self,
        request: Result<http::Request<Bytes>>,
    ) -> impl Future<Output = Result<Response>> + Send + use<> {
        let router = self.router.clone();
        async move {
            let mut request = request?.map(Body::from);
            if let Some(uri) = normal_uri(request.uri()) {
                *request.uri_mut() = uri;
            }
            let (head, body) = router.oneshot(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Response { status: head.status, headers: head.headers, body })
        }
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pending<'_, T> {
        let task = self.task.clone();
        let work = async move {
            // The work is dropped before the sender: when no sender is left, no task holds the app.
            let (work, _task) = (work, task);
            work.await
        };
        Pending::new(Task::on(&self.runtime, work))
    }
}

/// How many responses have asked the host for something.
#[derive(Debug, Default)]
pub(super) struct Requested {
    /// For a health check (S27).
    pub(super) checks: AtomicUsize,
    /// For the stop of their runner (S58).
    pub(super) stops: AtomicUsize,
}

impl Requested {
    /// Counts what a response asks for.
    pub(super) fn count(&self, headers: &HeaderMap) {
        let asks = |name| is_asked(headers.get_all(name).iter().map(http::HeaderValue::as_bytes));
        for (name, count) in [(header::HEALTH_CHECK, &self.checks), (header::STOP_RUNNER, &self.stops)] {
            if asks(name) {
                count.fetch_add(1, Ordering::Release);
            }
        }
    }
}
