//! The body of a client's request, on its way to a runner.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;

use super::client::Client;
use super::hop_by_hop::prepare_trailers;
use super::timer::Wait;

/// A request body that tells the connection when all of it has arrived.
#[derive(Debug, Default)]
pub(super) struct RequestBody {
    /// `None`: it has ended.
    incoming: Option<Incoming>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { incoming: Some(incoming).filter(|incoming| !incoming.is_end_stream()) }
    }

    /// How many bytes of it follow, if that is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.incoming.as_ref().map_or(Some(0), |incoming| incoming.size_hint().exact())
    }

    /// Whether no more follows.
    pub(super) const fn is_ended(&self) -> bool {
        self.incoming.is_none()
    }

    /// The next part that has arrived, and `None` at the end.
    pub(super) fn poll_frame(
        &mut self,
        client: &Client,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        if client.awaits_continue() {
            // A runner that does not say it gets the body after a while.
            ready!(client.timer.poll(Wait::Continue, cx));
            client.stop_awaiting_continue();
        }
        let mut frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
        let has_ended = match &mut frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    client.transfers.count_uploaded(data.len());
                }
                let trailers = frame.trailers_mut().map(prepare_trailers);
                trailers.is_some() || incoming.is_end_stream()
            }
            Some(Err(_)) => false,
            None => true,
        };
        if has_ended {
            self.incoming = None;
            client.finish_upload();
        }
        Poll::Ready(frame)
    }
}
