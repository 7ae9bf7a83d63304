//! A connection for checks, and one exchange over it.

use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use fal_health::Failure;
use fal_health::protocol::Address;
use http::{HeaderMap, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::detail::detail_of;
use super::response::{ExchangeError, Response};
use crate::connect::{Stream, connect, is_own_shortage};
use crate::proxy::ResponseReader;

/// A larger response body is a pass before it ends (S17).
const MAX_BODY: usize = 64 * 1024;

/// A connection to a runner. Dropping it closes it.
///
/// A host keeps one for each runner. So it has no memory for messages: each exchange has its own.
#[derive(Debug)]
pub(super) struct ProbeConnection {
    stream: Stream,
    opened: Instant,
}

/// What a runner has answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Why the check failed, where the runner says so.
    pub(super) detail: Option<String>,
    /// Whether the connection can carry another exchange.
    pub(super) keeps_alive: bool,
}

/// Why a connection could not be opened.
pub(super) enum ConnectError {
    /// The host has no descriptor, memory or buffer for it (S20).
    OwnShortage,
    /// The second field says why.
    Failure(Failure, String),
}

impl ProbeConnection {
    pub(super) async fn open(address: &Address) -> Result<Self, ConnectError> {
        match connect(address).await {
            Ok(stream) => Ok(Self { stream, opened: Instant::now() }),
            Err(error) if is_own_shortage(&error) => Err(ConnectError::OwnShortage),
            Err(error) => Err(ConnectError::Failure(Failure::Connect, error.to_string())),
        }
    }

    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Whether the runner has neither closed the connection nor sent anything since the last exchange.
    pub(super) fn is_silent(&mut self) -> bool {
        ResponseReader::new().is_silent(&mut self.stream, &mut Context::from_waker(Waker::noop()))
    }

    /// Sends a request, and reads the response up to its end, or so much of it that it is a pass. `is_head` is whether the method
    /// is HEAD.
    pub(super) async fn exchange(&mut self, request: &[u8], is_head: bool) -> Result<Answer, ExchangeError> {
        // If this fails, the read says how the connection has ended. A response may have arrived.
        let _ = self.stream.write_all(request).await;
        let mut response = Response::new(&mut self.stream);
        let head = response.head(is_head).await?;
        let status = head.status;
        let mut answer = Answer { status, headers: head.headers, detail: None, keeps_alive: false };
        if !status.is_success() {
            answer.detail = detail_of(&mut response).await;
            return Ok(answer);
        }
        let mut length = 0;
        while let Some(frame) = response.frame().await {
            length += frame?.data_ref().map_or(0, Bytes::len);
            if length > MAX_BODY {
                return Ok(answer);
            }
        }
        answer.keeps_alive = response.keeps_alive();
        Ok(answer)
    }
}
