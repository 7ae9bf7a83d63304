//! The time limit of a client that is to take what is sent to it.

use std::io;
use std::task::{Context, Poll};

use super::client::Client;
use super::meter::Meter;
use super::timer::Wait;

/// What a client takes of what is sent to it.
#[derive(Debug)]
pub(super) struct Download(Meter);

impl Download {
    pub(super) const fn new(client: &Client) -> Self {
        let (ticks, time) = client.limits.inactivity;
        Self(Meter::new(ticks, time))
    }

    /// Applies the limit to the outcome of a write. The error of a client that takes too little is `TimedOut` (S43a).
    pub(super) fn limit(
        &mut self,
        client: &Client,
        written: Poll<io::Result<usize>>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let timer = &client.timer;
        match written {
            Poll::Pending => {
                if let Some(ticks) = self.0.wait(timer.clock().now()) {
                    timer.start(Wait::Download, ticks);
                }
                timer.poll(Wait::Download, cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Ready(Ok(length)) => {
                client.transfers.count_sent(length);
                if self.0.transfer(timer.clock().now(), length.try_into().unwrap_or(u64::MAX)) {
                    timer.stop(Wait::Download);
                }
                Poll::Ready(Ok(length))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}
