//! A runner without a host that acts on responses that ask for a check (S68).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::{self, Next};
use fal_health::HealthCheckSpec;
use fal_health::protocol::header;
use http::header::HOST;
use http_body_util::BodyExt;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::endpoint::RequestId;
use crate::server::{ProbeLane, ProbedApp};

/// What happens to the header with which a response asks for a check.
#[derive(Clone, Debug, Default)]
pub(crate) enum CheckHeader {
    /// It stays: the platform in front acts on it (S28d).
    #[default]
    Kept,
    /// It is removed.
    Stripped,
    /// It is removed, and the runner checks itself.
    ActedOn(Arc<Notify>),
}

/// A body that is larger passes without being read to its end (S17).
const MAX_BODY: usize = 64 * 1024;

/// Adds the treatment of the header to a router.
pub(super) fn treat(router: Router, treatment: &CheckHeader, health: Option<&'static str>) -> Router {
    let asked = match treatment {
        CheckHeader::Kept => return router,
        CheckHeader::Stripped => None,
        CheckHeader::ActedOn(asked) => Some(Arc::clone(asked)),
    };
    router.layer(middleware::from_fn(move |mut request: Request, next: Next| {
        let asked = asked.clone();
        async move {
            request.headers_mut().remove(header::HEALTH_CHECK);
            // The health endpoint itself cannot ask (S28b).
            let may_ask = health != Some(request.uri().path());
            let mut response = next.run(request).await;
            let asks = header::is_asked(
                response.headers().get_all(header::HEALTH_CHECK).iter().map(http::HeaderValue::as_bytes),
            );
            response.headers_mut().remove(header::HEALTH_CHECK);
            if let (Some(asked), true, true) = (asked, may_ask, asks) {
                // Requests for a check share the next one, and those during a check the one after it (S31).
                asked.notify_one();
            }
            response
        }
    }))
}

/// Checks the runner on the lane whenever a response has asked. The receiver resolves with the reason of the first failure.
pub(super) fn start(
    lane: &ProbeLane,
    asked: Arc<Notify>,
    spec: HealthCheckSpec,
) -> oneshot::Receiver<String> {
    let (failed, failure) = oneshot::channel();
    lane.spawn(|app| async move {
        loop {
            asked.notified().await;
            if let Err(reason) = check(&app, &spec).await {
                let _ = failed.send(reason);
                return;
            }
            tracing::info!("passed the health check that a response asked for");
        }
    });
    failure
}

/// One check (S16, S17, S18).
async fn check(app: &ProbedApp, spec: &HealthCheckSpec) -> Result<(), String> {
    let deadline = spec.config.timeout();
    timeout(deadline, answered(app, spec)).await.unwrap_or_else(|_| Err(late(deadline)))
}

fn late(deadline: Duration) -> String {
    format!("timeout: no complete response within {deadline:?}")
}

async fn answered(app: &ProbedApp, spec: &HealthCheckSpec) -> Result<(), String> {
    let request = Request::post(&*spec.path)
        .header(HOST, "localhost")
        .header(header::HEALTH_CHECK, "true")
        .header(header::REQUEST_ID, RequestId::new().to_string())
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    // Without an answer the runner is stopping already.
    let Some(response) = app.health(request).await else { return Ok(()) };
    if !response.status().is_success() {
        return Err(format!("status: {}", response.status()));
    }
    let mut body = response.into_body();
    let mut length = 0;
    while !body.is_end_stream() && length <= MAX_BODY {
        match body.frame().await {
            None => break,
            Some(Ok(frame)) => length += frame.data_ref().map_or(0, bytes::Bytes::len),
            Some(Err(error)) => return Err(format!("disconnected: {error}")),
        }
    }
    Ok(())
}
