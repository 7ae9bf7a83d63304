//! What an operator orders: for one runner (S87), or that requests wait.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use fal_health::{CheckRecord, Outcome, Trigger};
use serde_json::{Value, json};

use super::server::Waiting;
use super::state::{Admin, stopping, unknown};
use crate::driver::ControlRequest;
use crate::events::EventStream;
use crate::fleet::{EventKind, OrderError, RunnerOrder};
use crate::{CheckInfo, RunnerId};

/// `POST /runners/ID/ORDER`, except `check`.
pub(super) async fn order(
    State(admin): State<Admin>,
    Path((id, order)): Path<(String, RunnerOrder)>,
) -> Response {
    let Ok(id) = id.parse().map(RunnerId::new) else { return unknown(&id) };
    match admin.ask(|reply| ControlRequest::Order(id, order, reply)).await {
        Some(Ok(())) => {
            let body = json!({ "runner": id, "order": order.name(), "status": "accepted" });
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
        Some(Err(error)) => refused(&admin, id, error).await,
        None => stopping(),
    }
}

/// `POST /runners/ID/check`: makes a manual check, and answers when it has an outcome.
pub(super) async fn check(
    State(admin): State<Admin>,
    Extension(waiting): Extension<Waiting>,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse().map(RunnerId::new) else { return unknown(&id) };
    let Some(mut events) = admin.events() else { return stopping() };
    match admin.ask(|reply| ControlRequest::Check(id, reply)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => return refused(&admin, id, error).await,
        None => return stopping(),
    }
    let _waiting = waiting.begin();
    match outcome(&mut events, id).await {
        Some(Checked::Outcome(record)) => {
            let passed = record.outcome == Outcome::Pass;
            let status = if passed { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
            let detail = admin.detail(id, record.id).await;
            let check = CheckInfo { detail, ..CheckInfo::just_ended(&record) };
            let mut body = serde_json::to_value(check).unwrap_or_default();
            if let Value::Object(fields) = &mut body {
                fields.insert("runner".to_owned(), json!(id));
            }
            (status, Json(body)).into_response()
        }
        Some(Checked::Ended) => {
            let detail = format!("runner {id} ended before its check: GET /runners/{id}/explain says why");
            (StatusCode::CONFLICT, Json(json!({ "detail": detail }))).into_response()
        }
        None => stopping(),
    }
}

/// What came of a check.
enum Checked {
    Outcome(CheckRecord),
    /// The runner ended or left the rotation first.
    Ended,
}

/// Waits for a conclusive manual check of a runner. `None` when the host has ended.
async fn outcome(events: &mut EventStream, id: RunnerId) -> Option<Checked> {
    loop {
        let event = events.next().await?;
        match event.kind {
            _ if event.runner != Some(id) => {}
            EventKind::Checked(record)
                if record.trigger == Trigger::Manual
                    && !matches!(record.outcome, Outcome::Inconclusive(_)) =>
            {
                return Some(Checked::Outcome(record));
            }
            EventKind::Terminated(_) | EventKind::Draining { .. } | EventKind::Terminating { .. } => {
                return Some(Checked::Ended);
            }
            _ => {}
        }
    }
}

/// `POST /pause`: requests wait in the queue.
pub(super) async fn pause(State(admin): State<Admin>) -> Response {
    set_paused(&admin, true).await
}

/// `POST /resume`: requests are dispatched again.
pub(super) async fn resume(State(admin): State<Admin>) -> Response {
    set_paused(&admin, false).await
}

async fn set_paused(admin: &Admin, paused: bool) -> Response {
    match admin.ask(|reply| ControlRequest::Pause(paused, Some(reply))).await {
        Some(()) => Json(json!({ "status": if paused { "paused" } else { "serving" } })).into_response(),
        None => stopping(),
    }
}

async fn refused(admin: &Admin, id: RunnerId, error: OrderError) -> Response {
    let (status, detail) = match error {
        OrderError::Unknown => match admin.ask(|reply| ControlRequest::Details(id, reply)).await.flatten() {
            Some(_) => (StatusCode::CONFLICT, format!("runner {id} has ended: `explain {id}` says why")),
            None => return unknown(&id.to_string()),
        },
        OrderError::HostStopping => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        _ => (StatusCode::CONFLICT, error.to_string()),
    };
    (status, Json(json!({ "detail": detail }))).into_response()
}
