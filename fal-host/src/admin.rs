//! The admin interface: the host's state for people and tools, on a listener of its own.

use axum::Router;
use axum::extract::State;
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
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
        .method_not_allowed_fallback(async || {
            let detail = "not by this method: /runners, /healthz and /readyz are read by GET, /restart is done by POST";
            (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "detail": detail })))
        })
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
///
/// Any page in a browser on this machine can send a POST here, and its browser says so: such a one is refused.
async fn restart(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if headers.contains_key(ORIGIN) {
        let detail =
            "web pages may not restart runners: send the request without the header `origin`, as curl does";
        return (StatusCode::FORBIDDEN, Json(json!({ "detail": detail }))).into_response();
    }
    if snapshot(&admin).await.is_none_or(|snapshot| snapshot.stopping) {
        return stopping();
    }
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

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_wrong_method_and_the_wrong_page_are_answered_with_what_there_is() {
        let (orders, _queue) = mpsc::unbounded_channel();
        let router = router(Admin { app: "app".to_owned(), orders: orders.downgrade() });
        for (method, path, status) in
            [("GET", "/restart", 405), ("POST", "/runners", 405), ("GET", "/metrix", 404)]
        {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{method} {path}");
            let body = to_bytes(response.into_body(), 1024).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(body["detail"].as_str().unwrap().contains("/restart"), "{body}");
        }
    }

    #[tokio::test]
    async fn a_restart_that_a_web_page_asks_for_is_refused_and_not_done() {
        let (orders, mut queue) = mpsc::unbounded_channel();
        let router = router(Admin { app: "app".to_owned(), orders: orders.downgrade() });
        for origin in ["https://elsewhere.example", "null", "http://127.0.0.1:8081"] {
            let request = Request::post("/restart").header("origin", origin).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 403, "{origin}");
            let body = to_bytes(response.into_body(), 1024).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(body["detail"].as_str().unwrap().contains("origin"), "{body}");
        }
        assert!(queue.try_recv().is_err());
    }
}
