//! The admin interface: the host's state for people and tools, on a listener of its own.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::driver::Order;
use crate::snapshot::Snapshot;

/// What the admin interface answers from.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) app: String,
    /// Weak, so that it does not keep a host alive whose handle was dropped.
    pub(crate) orders: mpsc::WeakUnboundedSender<Order>,
}

#[derive(Serialize)]
struct Runners<'a> {
    app: &'a str,
    #[serde(flatten)]
    snapshot: Snapshot,
}

pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/runners", get(runners))
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/readyz", get(ready))
        .route("/restart", post(restart))
        .fallback(async || {
            let detail = "no such page; there are /runners, /healthz, /readyz and, by POST, /restart";
            (StatusCode::NOT_FOUND, Json(json!({ "detail": detail })))
        })
        .with_state(admin)
}

async fn runners(State(admin): State<Admin>) -> Response {
    match snapshot(&admin).await {
        Some(snapshot) => Json(Runners { app: &admin.app, snapshot }).into_response(),
        None => stopping(),
    }
}

/// 200 when at least one runner takes requests.
async fn ready(State(admin): State<Admin>) -> Response {
    match snapshot(&admin).await {
        Some(snapshot) if snapshot.ready => Json(json!({ "status": "ok" })).into_response(),
        Some(_) => {
            let detail = "no runner takes requests yet";
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response()
        }
        None => stopping(),
    }
}

/// Replaces every runner, one after another; `/runners` shows how far that is.
async fn restart(State(admin): State<Admin>) -> Response {
    match admin.orders.upgrade().map(|orders| orders.send(Order::Restart)) {
        Some(Ok(())) => (StatusCode::ACCEPTED, Json(json!({ "status": "restarting" }))).into_response(),
        _ => stopping(),
    }
}

async fn snapshot(admin: &Admin) -> Option<Snapshot> {
    let (reply, answer) = oneshot::channel();
    admin.orders.upgrade()?.send(Order::Snapshot(reply)).ok()?;
    answer.await.ok()
}

fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": "the host is stopping" }))).into_response()
}
