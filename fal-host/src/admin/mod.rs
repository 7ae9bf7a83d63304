//! The admin interface: shows the state of the host and restarts its runners, on a listener of its own (S46).

mod host_check;
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
pub(crate) mod probes;
mod runners;
mod scale;
mod server;
mod state;

use axum::extract::{Query, State};
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
use state::{refusal_of, stopping};

use crate::driver::ControlRequest;
use crate::fleet::RestartError;

/// What there is, for a client that asks for something else.
const PAGES: &str = "GET /metrics, /runners, /runners/ID, /runners/ID/explain, /runners/ID/logs, /healthz and /readyz, and POST /restart and /scale";

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
        .route("/scale", post(scale::scale))
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
    match admin.ask(ControlRequest::Metrics).await {
        Some(counted) => metrics::page(&admin.app, counted.families(&admin.balancer)),
        None => stopping(),
    }
}

/// 200 while the control thread runs. If it hangs, there is no answer.
async fn alive(State(admin): State<Admin>) -> Response {
    match admin.status().await {
        Some(_) => Json(json!({ "status": "ok" })).into_response(),
        None => stopping(),
    }
}

/// 200 when at least one runner takes requests.
async fn ready(State(admin): State<Admin>) -> Response {
    match admin.status().await {
        Some(status) if status.ready => Json(json!({ "status": "ok" })).into_response(),
        Some(status) if status.stopping => stopping(),
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
    if let Some(refusal) = refusal_of(&admin, &headers).await {
        return refusal;
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
    use std::sync::Arc;

    use crate::fleet::{Scale, ScaleTarget};
    use crate::proxy::{Balancer, Limits, Reports};
    use crate::snapshot::HostStatus;

    impl Admin {
        pub(super) fn answered(requests: &mpsc::UnboundedSender<ControlRequest>) -> Self {
            let reports = Reports { asked: Arc::default(), events: mpsc::unbounded_channel().0 };
            let balancer = Balancer::new(Limits::plain(), reports);
            Self { app: "app".to_owned(), requests: requests.downgrade(), balancer }
        }
    }

    /// A control thread of a host that serves. Returns what else was requested.
    pub(super) async fn answer_status(
        mut queue: mpsc::UnboundedReceiver<ControlRequest>,
    ) -> Vec<ControlRequest> {
        let mut others = Vec::new();
        while let Some(request) = queue.recv().await {
            match request {
                ControlRequest::Status(reply) => {
                    reply.send(HostStatus { ready: true, stopping: false }).unwrap();
                }
                ControlRequest::Scale(Scale::To(runners), Some(reply)) => {
                    reply.send(ScaleTarget { runners, spares: 1 }).unwrap();
                    others.push(ControlRequest::Scale(Scale::To(runners), None));
                }
                other => others.push(other),
            }
        }
        others
    }

    fn test_router(requests: &mpsc::UnboundedSender<ControlRequest>) -> Router {
        router(Admin::answered(requests)).layer(Extension(Waiting::default()))
    }

    #[tokio::test]
    async fn errors_for_a_wrong_method_or_page_list_the_endpoints() {
        let (requests, _queue) = mpsc::unbounded_channel();
        let router = test_router(&requests);
        for (method, path, status) in [
            ("GET", "/restart", 405),
            ("GET", "/scale", 405),
            ("POST", "/runners", 405),
            ("GET", "/metrix", 404),
        ] {
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
        let (requests, queue) = mpsc::unbounded_channel();
        tokio::spawn(answer_status(queue));
        let router = test_router(&requests);
        for path in ["/runners", "/healthz", "/nowhere"] {
            let request = Request::get(path).header("host", "evil.example:9090").body(Body::empty()).unwrap();
            assert_eq!(router.clone().oneshot(request).await.unwrap().status(), 421, "{path}");
        }
        let request = Request::get("/healthz").header("host", "localhost:9090").body(Body::empty()).unwrap();
        assert_eq!(router.oneshot(request).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn a_request_of_a_web_page_changes_nothing_s76d() {
        let (requests, mut queue) = mpsc::unbounded_channel();
        let router = test_router(&requests);
        for path in ["/restart", "/scale?runners=3"] {
            for origin in ["https://elsewhere.example", "null", "http://127.0.0.1:8081"] {
                let request = Request::post(path).header("origin", origin).body(Body::empty()).unwrap();
                let response = router.clone().oneshot(request).await.unwrap();
                assert_eq!(response.status(), 403, "{origin}");
                let body = to_bytes(response.into_body(), 1024).await.unwrap();
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert!(body["detail"].as_str().unwrap().contains("origin"), "{body}");
            }
        }
        assert!(queue.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_scale_request_needs_a_whole_number_from_1_s76d() {
        let (requests, queue) = mpsc::unbounded_channel();
        let control = tokio::spawn(answer_status(queue));
        let router = test_router(&requests);
        let queries =
            ["", "?runners=0", "?runners=-1", "?runners=", "?runners=70000", "?count=3", "?runners=3&x=1"];
        for (query, status) in queries.map(|query| (query, 400)).into_iter().chain([("?runners=3", 202)]) {
            let request = Request::post(format!("/scale{query}")).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{query}");
            let body = to_bytes(response.into_body(), 1024).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            if status == 400 {
                assert!(body["detail"].as_str().unwrap().contains("/scale?runners=3"), "{body}");
            } else {
                assert_eq!(body, json!({ "status": "scaling", "runners": 3, "spares": 1 }));
            }
        }
        drop(requests);
        let requested = control.await.unwrap();
        assert!(
            matches!(&requested[..], [ControlRequest::Scale(Scale::To(runners), _)] if runners.get() == 3),
            "{requested:?}"
        );
    }
}
