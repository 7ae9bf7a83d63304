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

/// How much of a body is sent at a time, in bytes. The largest frame that clients take by default has this size, and what a client
/// has taken is known only between two parts.
const MAX_PART: usize = 16 * 1024;

/// A response's body. hyper asks for the next part when the client has made room for it by its flow control, so the time
/// between two parts is a wait for the client.
#[derive(Debug)]
pub(super) struct StreamBody {
    body: ResponseBody,
    client: Arc<Client>,
    meter: Meter,
    /// The length of the part that is being sent, and what follows of the same part of the body.
    sent: usize,
    rest: Bytes,
    rounds: Rounds,
    /// Why the body has no end, and the round in which that was known. A reset drops what hyper has not written yet.
    error: Option<(BodyError, u64)>,
}

impl StreamBody {
    pub(super) fn new(body: ResponseBody, client: Arc<Client>, rounds: Rounds) -> Self {
        let (ticks, time) = client.limits.inactivity;
        Self {
            body,
            client,
            meter: Meter::new(ticks, time),
            sent: 0,
            rest: Bytes::new(),
            rounds,
            error: None,
        }
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
        let mut part = std::mem::take(&mut this.rest);
        if part.is_empty() {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Err(error)) => {
                    this.error = Some((error, this.rounds.now()));
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Ok(frame)) => frame.into_data(),
                None => return Poll::Ready(None),
            };
            match frame {
                Ok(data) => part = data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        this.rest = part.split_off(part.len().min(MAX_PART));
        this.sent = part.len();
        if let Some(ticks) = this.meter.wait(timer.clock().now()) {
            timer.start(Wait::Download, ticks);
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        hint.exact().map_or_else(SizeHint::new, |follows| SizeHint::with_exact(rest.saturating_add(follows)))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use http::Request;

    use super::*;
    use crate::proxy::body::BodySource;
    use crate::proxy::request_id::RequestIdField;
    use crate::proxy::request_record::RequestRecord;
    use crate::proxy::tests::Rig;

    #[tokio::test]
    async fn a_body_is_sent_in_parts_so_that_a_slow_reader_is_seen_to_read_s43a() {
        let session = Rig::new().await.unserved_session().await;
        let record = RequestRecord::begin(&session, &mut Request::new(()), &RequestIdField::new());
        let body = ResponseBody::new(BodySource::Own(Full::from(vec![7; 100_000])), record);
        let mut body = StreamBody::new(body, Arc::clone(&session.client), Rounds::default());
        let mut left = 100_000;
        while left > 0 {
            assert_eq!(body.size_hint().exact(), Some(left));
            assert!(!body.is_end_stream());
            let part = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(!part.is_empty() && part.len() <= MAX_PART);
            left -= part.len() as u64;
        }
        assert!(body.is_end_stream());
    }
}
