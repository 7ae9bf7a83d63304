//! The body of a response to one stream, whose client must take it in time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::rounds::Rounds;
use crate::proxy::body::{BodyError, ResponseBody};
use crate::proxy::client::Client;
use crate::proxy::meter::Meter;
use crate::proxy::timer::Wait;

/// A response's body. hyper asks for the next part when the client has made room for it by its flow control, so the time
/// between two parts is a wait for the client.
#[derive(Debug)]
pub(super) struct StreamBody {
    body: ResponseBody,
    client: Arc<Client>,
    meter: Meter,
    /// The length of the part that is being sent.
    sent: usize,
    rounds: Rounds,
    /// Why the body has no end, and the round in which that was known. A reset drops what hyper has not written yet.
    error: Option<(BodyError, u64)>,
}

impl StreamBody {
    pub(super) fn new(body: ResponseBody, client: Arc<Client>, rounds: Rounds) -> Self {
        let (ticks, time) = client.limits.inactivity;
        Self { body, client, meter: Meter::new(ticks, time), sent: 0, rounds, error: None }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Some((error, _)) = this.error.take_if(|(_, round)| this.rounds.now() > *round) {
            return Poll::Ready(Some(Err(error)));
        }
        if this.error.is_some() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let timer = &this.client.timer;
        let sent = std::mem::take(&mut this.sent);
        this.client.transfers.count_sent(sent);
        if this.meter.transfer(timer.clock().now(), sent.try_into().unwrap_or(u64::MAX)) {
            timer.stop(Wait::Download);
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Err(error)) => {
                this.error = Some((error, this.rounds.now()));
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            frame => frame,
        };
        if let Some(part) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.sent = part.len();
            if let Some(ticks) = this.meter.wait(timer.clock().now()) {
                timer.start(Wait::Download, ticks);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
