//! What the pages of the admin interface share.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::driver::ControlRequest;
use crate::snapshot::Snapshot;

/// The state of the admin interface.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) app: String,
    /// Weak, so that the admin interface does not keep a host alive whose handle was dropped.
    pub(crate) requests: mpsc::WeakUnboundedSender<ControlRequest>,
}

pub(super) async fn snapshot(admin: &Admin) -> Option<Snapshot> {
    let (reply, answer) = oneshot::channel();
    admin.requests.upgrade()?.send(ControlRequest::Snapshot(reply)).ok()?;
    answer.await.ok()
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
