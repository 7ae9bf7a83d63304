//! The events of the host as server-sent events (S86a).

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::server::Waiting;
use super::state::Admin;
use crate::event_json::pass_to_json;
use crate::event_log::{Content, EventLog, LoggedEvent, Position};

/// How many clients may follow the events at a time.
const MAX_SUBSCRIBERS: usize = 16;

/// How often a silent stream gets a comment, so that both sides notice when the connection is dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The query of `/events`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct EventsQuery {
    /// Kinds of events, with commas. Without it every kind.
    #[serde(default)]
    kind: String,
    /// The id of a runner. Without it all runners.
    runner: Option<u64>,
    /// The number of the last event that the client has read; 0 for all that are kept.
    after: Option<u64>,
}

/// The events from now on, or after the one that `Last-Event-ID` names.
pub(super) async fn events(
    State(admin): State<Admin>,
    Extension(waiting): Extension<Waiting>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Response {
    let Some(subscription) = Subscription::take(&admin.subscribers) else {
        let detail = format!("{MAX_SUBSCRIBERS} clients follow the events already: close one of them");
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response();
    };
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let log = admin.event_log;
    let position = match (last_id, query.after) {
        (Some(position), _) => position,
        (None, Some(number)) => Position { number, ..log.start() },
        (None, None) => log.end(),
    };
    let follower =
        EventFollower { log, position, query, waiting, is_first: true, _subscription: subscription };
    let pieces = stream::unfold(follower, |mut follower| async move {
        let piece = follower.next().await;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), follower))
    });
    let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (head, Body::from_stream(pieces)).into_response()
}

/// A subscription, of which there are only so many.
struct Subscription(Arc<AtomicUsize>);

impl Subscription {
    fn take(taken: &Arc<AtomicUsize>) -> Option<Self> {
        let subscription = Self(Arc::clone(taken));
        (taken.fetch_add(1, Ordering::Relaxed) < MAX_SUBSCRIBERS).then_some(subscription)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Follows the log. It holds no events for a slow client: such a client misses the oldest ones, and sees a gap.
struct EventFollower {
    log: Arc<EventLog>,
    position: Position,
    query: EventsQuery,
    waiting: Waiting,
    is_first: bool,
    _subscription: Subscription,
}

impl EventFollower {
    /// The next piece of the stream: events, or a comment.
    async fn next(&mut self) -> String {
        self.waiting.progressed();
        if std::mem::take(&mut self.is_first) {
            // The client sees at once that the stream is open.
            return ": the events of the host follow\nretry: 1000\n\n".to_owned();
        }
        let mut newest = self.log.watch();
        loop {
            newest.mark_unchanged();
            let batch = self.log.since(self.position);
            self.position = batch.position;
            let mut text = String::new();
            if batch.missed > 0 {
                let gap = json!({ "kind": "gap", "missed": batch.missed });
                // Writing to a string does not fail.
                let _ = write!(text, "data: {gap}\n\n");
            }
            for event in batch.events.iter().filter(|event| self.query.matches(event)) {
                let id = Position { number: event.number, ..batch.position };
                let _ = match &event.content {
                    Content::Json(json) => write!(text, "id: {id}\ndata: {json}\n\n"),
                    Content::Pass(pass) => {
                        let json = pass_to_json(id, event.kind, event.runner, pass);
                        write!(text, "id: {id}\ndata: {json}\n\n")
                    }
                };
            }
            if !text.is_empty() {
                return text;
            }
            // The sender lives as long as the log.
            if timeout(KEEP_ALIVE, newest.changed()).await.is_err() {
                return ":\n\n".to_owned();
            }
        }
    }
}

impl EventsQuery {
    fn matches(&self, event: &LoggedEvent) -> bool {
        let is_kind = self.kind.is_empty() || self.kind.split(',').any(|kind| kind.trim() == event.kind);
        is_kind && self.runner.is_none_or(|runner| event.runner.is_some_and(|id| id.get() == runner))
    }
}
