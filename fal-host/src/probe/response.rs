//! Reads the response to a check, and says why there is none.

use std::future::poll_fn;

use bytes::Bytes;
use fal_health::Failure;
use http::response::Parts;
use http_body::Frame;
use tokio::task::coop::consume_budget;

use crate::connect::Stream;
use crate::proxy::{ResponseReader, UpstreamError, is_interim};

/// How much one exchange may receive. What a passing check needs is less. A runner could send interim responses without end, and
/// the host would do nothing else than read them.
const MAX_RECEIVED: u64 = 512 * 1024;

/// How an exchange over an open connection failed.
pub(super) enum ExchangeError {
    /// The connection ended before the first byte of the response (S19).
    NoResponse,
    /// The second field says why.
    Failure(Failure, String),
}

/// The response that a connection brings.
pub(super) struct Response<'a> {
    stream: &'a mut Stream,
    reader: ResponseReader,
}

impl<'a> Response<'a> {
    pub(super) fn new(stream: &'a mut Stream) -> Self {
        Self { stream, reader: ResponseReader::new() }
    }

    /// Waits for the head. `is_head` is whether the method of the request is HEAD.
    pub(super) async fn head(&mut self, is_head: bool) -> Result<Parts, ExchangeError> {
        loop {
            match poll_fn(|cx| self.reader.poll_head(self.stream, is_head, cx)).await {
                Ok(head) if is_interim(head.status()) => {
                    self.check_size()?;
                    consume_budget().await;
                }
                Ok(head) => return Ok(head.into_parts().0),
                Err(error) if error.is_broken_off() && self.reader.total() == 0 => {
                    return Err(ExchangeError::NoResponse);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next part of the body. `None` at its end.
    pub(super) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, ExchangeError>> {
        if let Err(error) = self.check_size() {
            return Some(Err(error));
        }
        let frame = poll_fn(|cx| self.reader.poll_frame(self.stream, cx)).await?;
        Some(frame.map_err(ExchangeError::from))
    }

    /// Whether the connection can carry another exchange.
    pub(super) fn keeps_alive(&self) -> bool {
        self.reader.is_reusable()
    }

    fn check_size(&self) -> Result<(), ExchangeError> {
        if self.reader.total() > MAX_RECEIVED {
            let detail = format!("the response has more than {} KiB", MAX_RECEIVED / 1024);
            return Err(ExchangeError::Failure(Failure::Malformed, detail));
        }
        Ok(())
    }
}

impl From<UpstreamError> for ExchangeError {
    fn from(error: UpstreamError) -> Self {
        let is_broken_off = error.is_broken_off();
        let failure = if is_broken_off { Failure::Disconnected } else { Failure::Malformed };
        Self::Failure(failure, error.to_string())
    }
}
