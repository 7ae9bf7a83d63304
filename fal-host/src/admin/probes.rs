//! The probes: what an orchestrator or a load balancer on another machine may read about the host (S67).

use axum::Router;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::get;
use serde_json::json;

use super::state::Admin;
use super::{alive, ready};

/// Answers `GET /livez`, `GET /healthz` and `GET /readyz`. A probe may name any host: an orchestrator sends the address of
/// the container, a load balancer its own name.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(async || {
            let detail = "method not allowed: use GET";
            (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "detail": detail })))
        })
        .fallback(async || {
            let detail = "page not found: there are GET /livez, GET /healthz and GET /readyz";
            (StatusCode::NOT_FOUND, Json(json!({ "detail": detail })))
        })
        .with_state(admin)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tokio::sync::mpsc;
    use tower::ServiceExt;

    use super::super::tests::answer_status;
    use super::*;

    #[tokio::test]
    async fn probes_answer_three_pages_of_any_host_and_nothing_else_s67a() {
        let (requests, queue) = mpsc::unbounded_channel();
        tokio::spawn(answer_status(queue));
        let router = router(Admin::answered(&requests));
        for (method, path, status) in [
            ("GET", "/livez", 200),
            ("GET", "/healthz", 200),
            ("POST", "/readyz", 405),
            ("POST", "/restart", 404),
            ("GET", "/runners", 404),
            ("GET", "/", 404),
        ] {
            let request = Request::builder().method(method).uri(path).header("host", "app.example");
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{method} {path}");
        }
    }
}
