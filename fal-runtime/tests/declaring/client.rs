//! What a client sends and reads, without a port.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use fal_runtime::App;
use serde_json::Value;
use tower::ServiceExt;

/// A client of one app.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) Router);

/// A response that has been read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn of(app: impl App) -> Self {
        Self(fal_runtime::router(app))
    }

    /// Posts a JSON body.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Sends a JSON body with any method.
    pub(crate) async fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Makes a request without a body.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    /// The same, and leaves the body to be read.
    pub(crate) async fn ask_raw(&self, method: Method, path: &str) -> Response {
        self.send_raw(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send_raw(&self, request: Request<Body>) -> Response {
        self.0.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.send_raw(request).await;
        let (head, body) = response.into_parts();
        let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }
}

impl Answer {
    /// The body of a success.
    pub(crate) fn body(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// What a failure tells, in the one form that failures have.
    pub(crate) fn detail(&self) -> Value {
        assert!(!self.status.is_success(), "{self:?}");
        let mut body = self.json();
        let detail = body.as_object_mut().unwrap().remove("detail").unwrap();
        // Of an unexpected error the client reads by which id the log knows more.
        let id = self.header("x-fal-request-id").unwrap();
        let is_unexpected =
            self.status.is_server_error() && self.status.canonical_reason() == detail.as_str();
        let rest =
            if is_unexpected { serde_json::json!({ "request_id": id }) } else { serde_json::json!({}) };
        assert_eq!(body, rest, "a failure has a detail, and an id where the log knows more");
        detail
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_str(&self.text).unwrap()
    }
}
