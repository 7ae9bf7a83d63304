//! The admin interface: shows the state of the host and restarts its runners, on a listener of its own (S46).

mod host_check;
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
pub(crate) mod probes;
mod runners;
mod server;
mod state;

use axum::extract::{Query, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use host_check::check_host;
pub(crate) use runners::measured;
use server::Waiting;
pub(crate) use server::serve;
pub(crate) use state::Admin;
use state::{snapshot, stopping};

use crate::driver::ControlRequest;
use crate::fleet::RestartError;

/// What there is, for a client that asks for something else.
const PAGES: &str = "GET /metrics, /runners, /runners/ID, /runners/ID/explain, /runners/ID/logs, /healthz and /readyz, and POST /restart";

pub(crate) fn router(admin: Admin) -> Router {
    let router = Router::new();
    #[cfg(feature = "metrics")]
    let router = router.route("/metrics", get(metrics));
    router
        .route("/runners", get(runners::all))
        .route("/runners/{id}", get(runners::one))
        .route("/runners/{id}/explain", get(runners::explain))
        .route("/runners/{id}/logs", get(logs::logs))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/restart", post(restart))
        .method_not_allowed_fallback(async || {
            let detail = format!("method not allowed: there are {PAGES}");
            (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "detail": detail })))
        })
        .fallback(async || {
            let detail = format!("page not found: there are {PAGES}");
            (StatusCode::NOT_FOUND, Json(json!({ "detail": detail })))
        })
        .layer(middleware::from_fn(check_host))
        .with_state(admin)
}

#[cfg(feature = "metrics")]
async fn metrics(State(admin): State<Admin>) -> Response {
    let (reply, answer) = oneshot::channel();
    let asked = admin.requests.upgrade().map(|requests| requests.send(ControlRequest::Metrics(reply)));
    match (asked, answer.await) {
        (Some(Ok(())), Ok(families)) => metrics::page(&admin.app, families),
        _ => stopping(),
    }
}

/// 200 while the control thread, which answers this, runs.
async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// 200 when at least one runner takes requests.
async fn ready(State(admin): State<Admin>) -> Response {
    match snapshot(&admin).await {
        Some(snapshot) if snapshot.ready => Json(json!({ "status": "ok" })).into_response(),
        Some(snapshot) if snapshot.stopping => stopping(),
        Some(_) => {
            let detail = "no runner takes requests yet";
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response()
        }
        None => stopping(),
    }
}

/// The query of `/restart`.
#[derive(Deserialize)]
struct RestartQuery {
    /// Whether to answer when the restart has ended.
    #[serde(default)]
    wait: bool,
}

/// Starts a rolling restart; `/runners` shows its progress. With `?wait=true` the response tells its outcome (S52c).
///
/// Any web page in a browser on this machine can send a POST to this address. The browser then sets `origin`, and the
/// request is refused.
async fn restart(
    State(admin): State<Admin>,
    Extension(waiting): Extension<Waiting>,
    Query(RestartQuery { wait }): Query<RestartQuery>,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(ORIGIN) {
        let detail = "a web page may not restart the runners: send the request without the header `origin`, as curl does";
        return (StatusCode::FORBIDDEN, Json(json!({ "detail": detail }))).into_response();
    }
    if snapshot(&admin).await.is_none_or(|snapshot| snapshot.stopping) {
        return stopping();
    }
    let Some(requests) = admin.requests.upgrade() else { return stopping() };
    if !wait {
        return match requests.send(ControlRequest::Restart(None)) {
            Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "status": "restarting" }))).into_response(),
            Err(_) => stopping(),
        };
    }
    let (waiter, outcome) = oneshot::channel();
    let _ = requests.send(ControlRequest::Restart(Some(waiter)));
    // A handle that is dropped during the restart must stop the host.
    drop(requests);
    let _waiting = waiting.begin();
    match outcome.await {
        Ok(Ok(())) => Json(json!({ "status": "completed" })).into_response(),
        Ok(Err(error @ RestartError::SuccessorFailed { .. })) => {
            let body = Json(json!({ "detail": error.to_string() }));
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
        Ok(Err(RestartError::HostStopped)) | Err(_) => stopping(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tokio::sync::mpsc;
    use tower::ServiceExt;

    use super::*;

    fn test_router(requests: &mpsc::UnboundedSender<ControlRequest>) -> Router {
        let admin = Admin { app: "app".to_owned(), requests: requests.downgrade() };
        router(admin).layer(Extension(Waiting::default()))
    }

    #[tokio::test]
    async fn errors_for_a_wrong_method_or_page_list_the_endpoints() {
        let (requests, _queue) = mpsc::unbounded_channel();
        let router = test_router(&requests);
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
    async fn a_request_for_a_web_pages_host_is_refused_s46b() {
        let (requests, _queue) = mpsc::unbounded_channel();
        let router = test_router(&requests);
        for path in ["/runners", "/healthz", "/nowhere"] {
            let request = Request::get(path).header("host", "evil.example:9090").body(Body::empty()).unwrap();
            assert_eq!(router.clone().oneshot(request).await.unwrap().status(), 421, "{path}");
        }
        let request = Request::get("/healthz").header("host", "localhost:9090").body(Body::empty()).unwrap();
        assert_eq!(router.oneshot(request).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn a_restart_request_of_a_web_page_is_refused_and_has_no_effect() {
        let (requests, mut queue) = mpsc::unbounded_channel();
        let router = test_router(&requests);
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
