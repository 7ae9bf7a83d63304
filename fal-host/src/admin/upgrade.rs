//! `POST /upgrade`: lets a new version of the program take over (S90).

use std::path::PathBuf;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::access::Access;
use super::server::Waiting;
use super::state::{Admin, stopping};
use crate::upgrade::{UpgradeError, UpgradeRequest, Upgraded};

/// The query of `/upgrade`.
#[derive(Debug, Deserialize)]
pub(super) struct UpgradeQuery {
    /// The new program.
    program: Option<PathBuf>,
    /// How long the new host may take until it serves.
    timeout_ms: Option<u64>,
}

/// Starts an upgrade and answers when it has ended. Only over the Unix socket, since the request names a program.
pub(super) async fn upgrade(
    State(admin): State<Admin>,
    Extension(access): Extension<Access>,
    Extension(waiting): Extension<Waiting>,
    Query(UpgradeQuery { program, timeout_ms }): Query<UpgradeQuery>,
) -> Response {
    if !matches!(access, Access::Full) {
        let detail =
            "an upgrade needs the host's Unix socket: use the subcommand `upgrade`, or send the host SIGUSR2";
        return (StatusCode::FORBIDDEN, Json(json!({ "detail": detail }))).into_response();
    }
    let Some(upgrades) = &admin.upgrades else {
        let detail = "this host is part of a program that upgrades itself in its own way";
        return (StatusCode::NOT_IMPLEMENTED, Json(json!({ "detail": detail }))).into_response();
    };
    let (sender, outcome) = oneshot::channel();
    let timeout = timeout_ms.map(Duration::from_millis);
    if upgrades.send(UpgradeRequest { program, timeout, outcome: Some(sender) }).is_err() {
        return stopping();
    }
    let _waiting = waiting.begin();
    match outcome.await.unwrap_or(Err(UpgradeError::HostStopping)) {
        Ok(Upgraded { pid, paused }) => {
            Json(json!({ "status": "completed", "pid": pid, "paused": paused })).into_response()
        }
        Err(error) => {
            let status = match error {
                UpgradeError::Refused(_) => StatusCode::CONFLICT,
                UpgradeError::Failed(_) | UpgradeError::Lost(_) => StatusCode::INTERNAL_SERVER_ERROR,
                UpgradeError::HostStopping => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, Json(json!({ "detail": error.to_string() }))).into_response()
        }
    }
}
