//! What the pages of the admin interface share.

use std::sync::Arc;

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::driver::ControlRequest;
use crate::proxy::Balancer;
use crate::snapshot::{HostStatus, Snapshot};

/// The state of the admin interface.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) app: String,
    /// Weak, so that the admin interface does not keep a host alive whose handle was dropped.
    pub(crate) requests: mpsc::WeakUnboundedSender<ControlRequest>,
    pub(crate) balancer: Arc<Balancer>,
}

impl Admin {
    pub(super) async fn status(&self) -> Option<HostStatus> {
        self.ask(ControlRequest::Status).await
    }

    pub(super) async fn snapshot(&self) -> Option<Snapshot> {
        Some(self.ask(ControlRequest::Snapshot).await?.with_requests(&self.balancer))
    }

    /// Asks the control thread. `None` when it has ended.
    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> ControlRequest,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.upgrade()?.send(request(reply)).ok()?;
        answer.await.ok()
    }
}

/// The response to a request that may not change the host: one of a web page, or to a host that stops.
pub(super) async fn refusal_of(admin: &Admin, headers: &HeaderMap) -> Option<Response> {
    if headers.contains_key(ORIGIN) {
        let detail = "a web page may not change the runners: send the request without the header `origin`, as curl does";
        return Some((StatusCode::FORBIDDEN, Json(json!({ "detail": detail }))).into_response());
    }
    admin.status().await.is_none_or(|status| status.stopping).then(stopping)
}

pub(super) fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": "the host is stopping" }))).into_response()
}

/// The response to a request for a runner that the host does not know.
pub(super) fn unknown(id: &str) -> Response {
    let detail =
        format!("no runner {id:?}: GET /runners lists those that there are, and the last ones that ended");
    (StatusCode::NOT_FOUND, Json(json!({ "detail": detail }))).into_response()
}
