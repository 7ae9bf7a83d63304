//! What the pages of the admin interface share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::SystemTime;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use fal_health::CheckId;
use serde_json::json;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::history::History;
#[cfg(feature = "metrics")]
use super::metrics::MetricPage;
use crate::RunnerId;
use crate::driver::ControlRequest;
use crate::event_log::EventLog;
use crate::events::{Event, EventStream};
use crate::proxy::Balancer;
use crate::snapshot::Snapshot;
use crate::snapshot_parts::HostStatus;
#[cfg(feature = "cli")]
use crate::upgrade::UpgradeRequest;

/// The state of the admin interface.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) app: String,
    /// The effective settings as JSON; `None` if the host is not started by a command line.
    pub(crate) settings: Option<Arc<str>>,
    /// Weak, so that the admin interface does not keep a host alive whose handle was dropped.
    pub(crate) requests: mpsc::WeakUnboundedSender<ControlRequest>,
    pub(crate) balancer: Arc<Balancer>,
    pub(crate) events: broadcast::WeakSender<Event>,
    pub(crate) event_log: Arc<EventLog>,
    pub(crate) history: History,
    #[cfg(feature = "metrics")]
    pub(crate) metrics: MetricPage,
    /// How many clients follow the events.
    pub(crate) subscribers: Arc<AtomicUsize>,
    /// Where upgrades are asked for, if this host is a program of its own.
    #[cfg(feature = "cli")]
    pub(crate) upgrades: Option<mpsc::UnboundedSender<UpgradeRequest>>,
}

impl Admin {
    pub(crate) fn new(
        app: String,
        requests: &mpsc::UnboundedSender<ControlRequest>,
        balancer: Arc<Balancer>,
        events: &broadcast::Sender<Event>,
        event_log: Arc<EventLog>,
    ) -> Self {
        let (requests, events) = (requests.downgrade(), events.downgrade());
        Self {
            #[cfg(feature = "metrics")]
            metrics: MetricPage::new(&app),
            app,
            settings: None,
            requests,
            history: History::new(Arc::clone(&balancer)),
            balancer,
            events,
            event_log,
            subscribers: Arc::default(),
            #[cfg(feature = "cli")]
            upgrades: None,
        }
    }

    #[cfg(feature = "cli")]
    pub(crate) fn with_upgrades(self, upgrades: Option<mpsc::UnboundedSender<UpgradeRequest>>) -> Self {
        Self { upgrades, ..self }
    }

    pub(super) async fn status(&self) -> Option<HostStatus> {
        self.ask(ControlRequest::Status).await
    }

    pub(super) async fn snapshot(&self) -> Option<Snapshot> {
        let shown = self.ask(ControlRequest::Snapshot).await?.into_snapshot();
        Some(shown.with_requests(&self.balancer).with_notes(SystemTime::now()))
    }

    /// Asks the control thread. `None` when it has ended.
    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> ControlRequest,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        // The sender is not kept while waiting: a handle that is dropped must stop the host.
        self.requests.upgrade()?.send(request(reply)).ok()?;
        answer.await.ok()
    }

    /// The events from now on.
    pub(super) fn events(&self) -> Option<EventStream> {
        self.events.upgrade().map(|events| EventStream::new(&events))
    }

    /// Why a check of a runner failed.
    pub(super) async fn detail(&self, id: RunnerId, check: CheckId) -> Option<Arc<str>> {
        self.ask(|reply| ControlRequest::Evidence(id, reply)).await??.detail(check)
    }
}

pub(super) fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": "the host is stopping" }))).into_response()
}

/// The response to a request for a runner that the host does not know.
pub(super) fn unknown(id: &str) -> Response {
    let detail = format!(
        "unknown runner `{id}`: `runners` and GET /runners list the runners, and the last ones that ended"
    );
    (StatusCode::NOT_FOUND, Json(json!({ "detail": detail }))).into_response()
}
