//! Rolling restarts: `POST /restart`, and their outcomes.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::server::Waiting;
use super::state::{Admin, stopping};
use crate::driver::{ControlRequest, RestartProgress};
use crate::fleet::RestartError;

/// The query of `/restart`.
#[derive(Deserialize)]
pub(super) struct RestartQuery {
    /// Whether to answer when the restart has ended.
    #[serde(default)]
    wait: bool,
}

/// Starts a rolling restart and answers with its id. With `?wait=true` the response tells its outcome (S52c).
pub(super) async fn restart(
    State(admin): State<Admin>,
    Extension(waiting): Extension<Waiting>,
    Query(RestartQuery { wait }): Query<RestartQuery>,
) -> Response {
    if admin.status().await.is_none_or(|status| status.stopping) {
        return stopping();
    }
    let (waiter, outcome) = oneshot::channel();
    let request = |reply| ControlRequest::Restart { id: Some(reply), waiter: wait.then_some(waiter) };
    let Some(id) = admin.ask(request).await else { return stopping() };
    if !wait {
        return (StatusCode::ACCEPTED, Json(json!({ "id": id, "status": "restarting" }))).into_response();
    }
    let _waiting = waiting.begin();
    let outcome = outcome.await.unwrap_or(Err(RestartError::HostStopped));
    let status = match &outcome {
        Ok(()) => StatusCode::OK,
        Err(RestartError::SuccessorFailed { .. }) => StatusCode::INTERNAL_SERVER_ERROR,
        Err(RestartError::HostStopped) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(body(id, RestartProgress::Ended(outcome)))).into_response()
}

/// The outcome of the rolling restart with this id.
pub(super) async fn outcome(State(admin): State<Admin>, Path(id): Path<u64>) -> Response {
    match admin.ask(|reply| ControlRequest::RestartProgress(id, reply)).await {
        Some(Some(progress)) => Json(body(id, progress)).into_response(),
        Some(None) => {
            let detail = format!("no rolling restart {id}: POST /restart answers with the id of one");
            (StatusCode::NOT_FOUND, Json(json!({ "detail": detail }))).into_response()
        }
        None => stopping(),
    }
}

fn body(id: u64, progress: RestartProgress) -> Value {
    match progress {
        RestartProgress::UnderWay => json!({ "id": id, "status": "restarting" }),
        RestartProgress::Ended(Ok(())) => json!({ "id": id, "status": "completed" }),
        RestartProgress::Ended(Err(error @ RestartError::SuccessorFailed { runner, reason, .. })) => {
            let detail = error.to_string();
            json!({ "id": id, "status": "aborted", "runner": runner, "reason": reason, "detail": detail })
        }
        RestartProgress::Ended(Err(error @ RestartError::HostStopped)) => {
            json!({ "id": id, "status": "aborted", "detail": error.to_string() })
        }
    }
}
