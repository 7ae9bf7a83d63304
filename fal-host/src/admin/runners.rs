//! The pages about runners.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;

use super::state::{Admin, stopping, unknown};
use crate::RunnerId;
use crate::details::RunnerDetails;
use crate::driver::ControlRequest;
use crate::proxy::RecentRefusals;
use crate::snapshot::Snapshot;

#[derive(Serialize)]
struct RunnersResponse<'a> {
    app: &'a str,
    #[serde(flatten)]
    snapshot: Snapshot,
    refused: Vec<RecentRefusals>,
}

/// All runners, and the records of the last ones that ended.
pub(super) async fn all(State(admin): State<Admin>) -> Response {
    match admin.snapshot().await {
        Some(snapshot) => {
            Json(RunnersResponse { app: &admin.app, snapshot, refused: admin.history.refused() })
                .into_response()
        }
        None => stopping(),
    }
}

/// Everything about one runner.
pub(super) async fn one(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    match details(&admin, &id).await {
        Ok(details) => Json(details).into_response(),
        Err(response) => response,
    }
}

/// Why a runner is in its state, or how it ended, in sentences.
pub(super) async fn explain(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    match details(&admin, &id).await {
        Ok(details) => details.explanation().into_response(),
        Err(response) => response,
    }
}

/// What the host knows of a runner, with what its process uses now.
async fn details(admin: &Admin, id: &str) -> Result<RunnerDetails, Response> {
    let id = id.parse().map(RunnerId::new).map_err(|_| unknown(id))?;
    let details = admin.ask(|reply| ControlRequest::Details(id, reply)).await.ok_or_else(stopping)?;
    details.ok_or_else(|| unknown(&id.to_string()))
}
