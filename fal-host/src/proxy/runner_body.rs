//! The body of a runner's response.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::departure::departed_from_response;
use super::exchange::Exchange;
use super::hop_by_hop::prepare_trailers;
use super::upstream::UpstreamError;

/// A runner's response body. Dropping it before its end abandons the request.
#[derive(Debug)]
pub(super) struct RunnerBody {
    exchange: Exchange,
    departure: Option<Departure>,
    /// What follows the data.
    trailers: Option<Box<HeaderMap>>,
    /// Why the body has no end, until everything before that has been written, or its write is deferred.
    error: Option<UpstreamError>,
}

/// Resolves when the client has left while its response is being sent.
struct Departure(Pin<Box<dyn Future<Output = ()> + Send>>);

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Departure")
    }
}

/// Why a response body has no end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error(transparent)]
    Lost(UpstreamError),
    #[error("the client has left")]
    Departed,
}

impl RunnerBody {
    pub(super) const fn new(exchange: Exchange) -> Self {
        Self { exchange, departure: None, trailers: None, error: None }
    }

    /// Whether the whole body has been passed on.
    pub(super) const fn is_finished(&self) -> bool {
        self.exchange.is_finished() && self.trailers.is_none()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.exchange.size_hint()
    }

    /// Takes the next part of the data from what was received. `None`: something else follows, which
    /// [`poll_frame`](Self::poll_frame) has.
    pub(super) fn poll_data<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut BytesMut, usize) -> T,
    ) -> Poll<Option<T>> {
        if self.trailers.is_some() || self.error.is_some() {
            return Poll::Ready(None);
        }
        match ready!(self.exchange.poll_part(cx, take)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Poll::Ready(Some(data)),
                Err(frame) => self.trailers = frame.into_trailers().ok().map(Box::new),
            },
            Some(Err(error)) => self.error = Some(error),
            None => {}
        }
        Poll::Ready(None)
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.error.is_some() {
            return self.poll_error();
        }
        if self.exchange.client().lacks_part() {
            return Poll::Pending;
        }
        let data = self.poll_data(cx, |received, length| received.split_to(length).freeze());
        if data.is_pending() {
            self.exchange.client().lack_part();
            return self.poll_departure(cx).map(|()| Some(Err(BodyError::Departed)));
        }
        if self.error.is_some() {
            // hyper would drop what it has not written yet. It writes that first if the body has nothing at the moment,
            // and then polls the body again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        data.map(|data| {
            data.map(Frame::data)
                .or_else(|| {
                    let mut trailers = self.trailers.take()?;
                    prepare_trailers(&mut trailers);
                    Some(Frame::trailers(*trailers))
                })
                .map(Ok)
        })
    }

    fn poll_error(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if !self.exchange.client().has_ended_write() {
            return Poll::Pending;
        }
        Poll::Ready(self.error.take().map(|error| Err(BodyError::Lost(error))))
    }

    fn poll_departure(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let departure = self.departure.get_or_insert_with(|| {
            let client = Arc::clone(self.exchange.client());
            Departure(Box::pin(async move { departed_from_response(&client).await }))
        });
        departure.0.as_mut().poll(cx)
    }
}
