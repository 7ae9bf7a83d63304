//! What a runner printed, and what it prints from now on.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::server::{WaitGuard, Waiting};
use super::state::{Admin, stopping, unknown};
use crate::RunnerId;
use crate::driver::ControlRequest;
use crate::evidence::{Evidence, OutputLine};

/// The query of `/runners/ID/logs`.
#[derive(Deserialize)]
pub(super) struct LogsQuery {
    /// Whether to go on until the runner has ended.
    #[serde(default)]
    follow: bool,
}

/// The last lines that a runner printed. With `?follow=true` also the lines that it prints until it ends.
pub(super) async fn logs(
    State(admin): State<Admin>,
    Extension(waiting): Extension<Waiting>,
    Path(id): Path<String>,
    Query(LogsQuery { follow }): Query<LogsQuery>,
) -> Response {
    let evidence = match evidence(&admin, &id).await {
        Ok(evidence) => evidence,
        Err(response) => return response,
    };
    if !follow {
        return text(&evidence.output.since(0).lines).into_response();
    }
    let follower = Follower { evidence, position: 0, _waiting: waiting.begin() };
    let pieces = stream::unfold(follower, |mut follower| async move {
        let piece = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), follower))
    });
    let text = [(axum::http::header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (text, Body::from_stream(pieces)).into_response()
}

/// Follows the output of a runner.
struct Follower {
    evidence: Arc<Evidence>,
    position: u64,
    _waiting: WaitGuard,
}

impl Follower {
    /// The lines since the last call. Waits until there are some. `None` when the runner has ended.
    async fn next(&mut self) -> Option<Bytes> {
        let mut printed = self.evidence.output.watch();
        loop {
            let is_closed = printed.borrow_and_update().is_closed;
            let tail = self.evidence.output.since(self.position);
            self.position = tail.next;
            if !tail.lines.is_empty() {
                return Some(text(&tail.lines).into());
            }
            if is_closed || printed.changed().await.is_err() {
                return None;
            }
        }
    }
}

fn text(lines: &[OutputLine]) -> String {
    lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect()
}

async fn evidence(admin: &Admin, id: &str) -> Result<Arc<Evidence>, Response> {
    let id = id.parse().map(RunnerId::new).map_err(|_| unknown(id))?;
    let evidence = admin.ask(|reply| ControlRequest::Evidence(id, reply)).await.ok_or_else(stopping)?;
    evidence.ok_or_else(|| unknown(&id.to_string()))
}
