//! The admin interface: shows the state of the host and takes orders of operators, on listeners of its own (S46).

mod access;
mod events;
mod history;
mod host_check;
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
mod orders;
mod page;
pub(crate) mod probes;
mod restart;
mod runners;
mod scale;
mod server;
mod state;
#[cfg(feature = "cli")]
mod upgrade;

#[cfg(feature = "cli")]
use axum::Extension;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::json;

pub(crate) use access::Access;
pub use access::{AdminToken, WeakTokenError};
pub(crate) use history::History;
use host_check::check_host;
pub(crate) use server::{AdminListener, StdListener, serve};
pub(crate) use state::Admin;
use state::stopping;

#[cfg(feature = "metrics")]
use crate::driver::ControlRequest;

/// What there is, for a client that asks for something else.
const PAGES: &str = "GET /, /config, /events, /history, /metrics, /runners, /runners/ID, /runners/ID/explain, /runners/ID/logs, /restarts/ID, /healthz and \
    /readyz, and POST /restart, /upgrade, /scale, /pause, /resume and /runners/ID/check, drain, replace, stop and kill";

pub(crate) fn router(admin: Admin, access: Access) -> Router {
    let router = Router::new();
    #[cfg(feature = "metrics")]
    let router = router.route("/metrics", get(metrics));
    #[cfg(feature = "cli")]
    let router = router.route("/upgrade", post(upgrade::upgrade)).layer(Extension(access.clone()));
    router
        .route("/", get(page::page))
        .route("/config", get(config))
        .route("/events", get(events::events))
        .route("/history", get(history))
        .route("/runners", get(runners::all))
        .route("/runners/{id}", get(runners::one))
        .route("/runners/{id}/explain", get(runners::explain))
        .route("/runners/{id}/logs", get(logs::logs))
        .route("/runners/{id}/check", post(orders::check))
        .route("/runners/{id}/{order}", post(orders::order))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/restart", post(restart::restart))
        .route("/restarts/{id}", get(restart::outcome))
        .route("/pause", post(orders::pause))
        .route("/resume", post(orders::resume))
        .route("/scale", post(scale::scale))
        .method_not_allowed_fallback(async || {
            let detail = format!("method not allowed: there are {PAGES}");
            (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "detail": detail })))
        })
        .fallback(async || {
            let detail = format!("page not found: there are {PAGES}");
            (StatusCode::NOT_FOUND, Json(json!({ "detail": detail })))
        })
        .layer(middleware::from_fn_with_state(access, access::authorize))
        .layer(middleware::from_fn(check_host))
        .with_state(admin)
}

#[cfg(feature = "metrics")]
async fn metrics(State(admin): State<Admin>) -> Response {
    match admin.ask(ControlRequest::Metrics).await {
        Some(counted) => {
            let (of_host, of_runners) = counted.into_parts(&admin.balancer);
            admin.metrics.response(of_host, &of_runners)
        }
        None => stopping(),
    }
}

/// The effective settings with their sources (S86c).
async fn config(State(admin): State<Admin>) -> Response {
    if let Some(settings) = admin.settings {
        return ([(CONTENT_TYPE, "application/json")], settings.to_string()).into_response();
    }
    let detail = "the program that embeds this host sets it up in its code: there are no options to show";
    (StatusCode::NOT_FOUND, Json(json!({ "detail": detail }))).into_response()
}

/// The queue, the requests in flight and the latency of the last ten minutes (S89c).
async fn history(State(admin): State<Admin>) -> Response {
    Json(admin.history.all()).into_response()
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
        Some(status) => {
            let detail = if status.paused {
                "the host is paused: `resume` lets requests go on"
            } else {
                "no runner takes requests yet"
            };
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response()
        }
        None => stopping(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tokio::sync::{broadcast, mpsc};
    use tower::ServiceExt;

    use std::sync::Arc;

    use super::*;

    use crate::driver::ControlRequest;
    use crate::fleet::{Scale, ScaleTarget};
    use crate::proxy::{Balancer, Limits, Reports};
    use crate::snapshot_parts::HostStatus;

    impl Admin {
        pub(super) fn answered(requests: &mpsc::UnboundedSender<ControlRequest>) -> Self {
            let reports = Reports { asked: Arc::default(), events: mpsc::unbounded_channel().0 };
            let balancer = Balancer::new(Limits::plain(), reports);
            Self::new(
                "app".to_owned(),
                requests,
                balancer,
                &broadcast::channel(1).0,
                crate::event_log::EventLog::new(),
            )
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
                    reply.send(HostStatus { ready: true, stopping: false, paused: false }).unwrap();
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
        router(Admin::answered(requests), Access::ReadOnly).layer(axum::Extension(server::Waiting::default()))
    }

    #[tokio::test]
    async fn errors_for_a_wrong_method_or_page_list_the_endpoints() {
        let (requests, _queue) = mpsc::unbounded_channel();
        let router = router(Admin::answered(&requests), Access::Full);
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
    async fn without_a_token_no_request_over_tcp_changes_anything_s88b() {
        let (requests, mut queue) = mpsc::unbounded_channel();
        let router = test_router(&requests);
        for path in
            ["/restart", "/scale?runners=3", "/pause", "/resume", "/runners/1/kill", "/runners/1/check"]
        {
            for origin in
                [None, Some("https://elsewhere.example"), Some("null"), Some("http://127.0.0.1:8081")]
            {
                let request =
                    origin.iter().fold(Request::post(path), |it, origin| it.header("origin", *origin));
                let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
                assert_eq!(response.status(), 403, "{path} {origin:?}");
                let body = to_bytes(response.into_body(), 1024).await.unwrap();
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert!(body["detail"].as_str().unwrap().contains("--admin-token"), "{body}");
            }
        }
        assert!(queue.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_scale_request_needs_a_whole_number_from_1_s76d() {
        let (requests, queue) = mpsc::unbounded_channel();
        let control = tokio::spawn(answer_status(queue));
        let router = router(Admin::answered(&requests), Access::Full)
            .layer(axum::Extension(server::Waiting::default()));
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
