//! The body of a client's request, on its way to a runner.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use hyper::body::Incoming;

use super::body_wakes::poll_part;
use super::client::Client;
use super::hop_by_hop::prepare_trailers;
use super::meter::Meter;
use super::timer::Wait;

/// A request body that tells the connection when all of it has arrived.
#[derive(Debug, Default)]
pub(super) struct RequestBody {
    /// `None`: it has ended.
    incoming: Option<Incoming>,
    /// What of it was taken, if the request may be sent once more.
    copy: Option<Box<BodyCopy>>,
    /// The first part, if it was read before a runner was chosen.
    first: Bytes,
    /// What comes after that: what else was read before a runner was chosen, or what a runner has lost.
    held: Option<Box<BodyCopy>>,
    /// The time limit of one stream of HTTP/2. A connection of HTTP/1.1 has its own, where it is read.
    upload: Option<Meter>,
}

/// Why a request body has no end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("it came too slowly")]
    Stalled,
}

/// The largest body of a request that is sent once more, in bytes.
pub(super) const MAX_COPY: usize = 64 * 1024;

/// How much of a body is read before its request takes a permit, at least, in bytes.
const MAX_GATHERED: usize = 16 * 1024;

/// A copy of a part of a body.
#[derive(Debug, Default)]
struct BodyCopy {
    data: BytesMut,
    trailers: Option<HeaderMap>,
}

/// The body has more than [`MAX_COPY`] bytes.
#[derive(Debug)]
pub(super) struct TooLarge;

impl RequestBody {
    pub(super) fn new(incoming: Incoming) -> Self {
        let incoming = Some(incoming).filter(|incoming| !incoming.is_end_stream());
        Self { incoming, ..Self::default() }
    }

    /// The body of one stream of HTTP/2, of which each part must come in time.
    pub(super) fn of_stream(incoming: Incoming, client: &Client) -> Self {
        let (ticks, time) = client.limits.inactivity;
        Self { upload: Some(Meter::new(ticks, time)), ..Self::new(incoming) }
    }

    /// Copies it from now on, so that it can be sent once more.
    pub(super) fn keep_copy(&mut self) {
        self.copy = Some(Box::default());
    }

    /// Whether it is copied, so that it can be sent once more.
    pub(super) const fn has_copy(&self) -> bool {
        self.copy.is_some()
    }

    /// Reads the beginning of a body: until it is complete, or [`MAX_GATHERED`] bytes have arrived (S56). Calls `wait` first, once, if
    /// that takes a wait for the client. Dropping the future keeps what has arrived.
    pub(super) async fn gather(
        &mut self,
        client: &Client,
        mut wait: impl FnMut(),
    ) -> Result<(), RequestBodyError> {
        let mut gathered = 0;
        let mut has_waited = false;
        while self.incoming.is_some() && gathered < MAX_GATHERED {
            let part = poll_fn(|cx| {
                let polled = self.poll_incoming(client, cx);
                if polled.is_pending() && !std::mem::replace(&mut has_waited, true) {
                    wait();
                    // hyper has looked for more before it knew that a body follows. It looks again, and so the time limit begins.
                    cx.waker().wake_by_ref();
                }
                polled
            });
            let Some(frame) = part.await else { break };
            match frame?.into_data() {
                Ok(data) => {
                    gathered += data.len();
                    if self.first.is_empty() {
                        self.first = data;
                    } else {
                        self.held.get_or_insert_default().data.extend_from_slice(&data);
                    }
                }
                Err(frame) => self.held.get_or_insert_default().trailers = frame.into_trailers().ok(),
            }
        }
        Ok(())
    }

    /// The same body from its start, without a further copy (S59). What a runner has not got follows from the client.
    pub(super) fn rewind(self) -> Result<Self, TooLarge> {
        let copy = self.copy.ok_or(TooLarge)?;
        let held = Some(copy).filter(|copy| !copy.data.is_empty() || copy.trailers.is_some());
        Ok(Self { incoming: self.incoming, held, upload: self.upload, ..Self::default() })
    }

    /// How many bytes of it follow, if that is known.
    pub(super) fn length(&self) -> Option<u64> {
        let held = match &self.held {
            // Trailers need chunks.
            Some(held) if held.trailers.is_some() => return None,
            Some(held) => held.data.len(),
            None => 0,
        };
        let rest = self.incoming.as_ref().map_or(Some(0), |incoming| incoming.size_hint().exact())?;
        u64::try_from(self.first.len() + held).ok()?.checked_add(rest)
    }

    /// Whether no more follows.
    pub(super) const fn is_ended(&self) -> bool {
        self.incoming.is_none() && self.first.is_empty() && self.held.is_none()
    }

    /// The next part that has arrived, and `None` at the end.
    pub(super) fn poll_frame(
        &mut self,
        client: &Client,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        match self.take_held() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => self.poll_incoming(client, cx),
        }
    }

    /// The next part that arrives from the client.
    fn poll_incoming(
        &mut self,
        client: &Client,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        if client.awaits_continue() {
            // A runner that does not say it gets the body after a while.
            ready!(client.timer.poll(Wait::Continue, cx));
            client.stop_awaiting_continue();
        }
        let polled = poll_part(incoming, cx);
        if let Some(meter) = &mut self.upload
            && limit_wait(meter, &polled, client, cx).is_ready()
        {
            client.cut_off.stall();
            return Poll::Ready(Some(Err(RequestBodyError::Stalled)));
        }
        let mut frame = ready!(polled);
        let has_ended = match &mut frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    client.transfers.count_uploaded(data.len());
                }
                let trailers = frame.trailers_mut().map(prepare_trailers);
                let kept = self.copy.as_mut().map(|copy| copy.append(frame));
                if let Some(Err(TooLarge)) = kept {
                    self.copy = None;
                }
                trailers.is_some() || incoming.is_end_stream()
            }
            Some(Err(_)) => false,
            None => true,
        };
        if has_ended {
            self.incoming = None;
            client.finish_upload();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::from)))
    }

    /// The next part of what has been read already.
    fn take_held(&mut self) -> Option<Frame<Bytes>> {
        if !self.first.is_empty() {
            return Some(Frame::data(std::mem::take(&mut self.first)));
        }
        let mut held = self.held.take()?;
        if held.data.is_empty() {
            return held.trailers.map(Frame::trailers);
        }
        let data = std::mem::take(&mut held.data).freeze();
        self.held = Some(held).filter(|held| held.trailers.is_some());
        Some(Frame::data(data))
    }
}

impl BodyCopy {
    fn append(&mut self, frame: &Frame<Bytes>) -> Result<(), TooLarge> {
        if let Some(data) = frame.data_ref() {
            if self.data.len() + data.len() > MAX_COPY {
                return Err(TooLarge);
            }
            self.data.extend_from_slice(data);
        }
        self.trailers = frame.trailers_ref().cloned();
        Ok(())
    }
}

/// Applies the time limit of a stream. Ready when the client has sent too little.
fn limit_wait(
    meter: &mut Meter,
    polled: &Poll<Option<Result<Frame<Bytes>, hyper::Error>>>,
    client: &Client,
    cx: &Context<'_>,
) -> Poll<()> {
    let (timer, now) = (&client.timer, client.timer.clock().now());
    let Poll::Ready(frame) = polled else {
        if let Some(ticks) = meter.wait(now) {
            timer.start(Wait::Upload, ticks);
        }
        return timer.poll(Wait::Upload, cx);
    };
    let part = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
    if meter.transfer(now, part.map_or(0, |part| part.len().try_into().unwrap_or(u64::MAX))) {
        timer.stop(Wait::Upload);
    }
    Poll::Pending
}
