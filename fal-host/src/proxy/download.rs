//! The time limit of a client that is to take what is sent to it.

use std::io;
use std::task::{Context, Poll, ready};

use super::client::Client;
use super::meter::Meter;
use super::timer::Wait;

/// What a client takes of what is sent to it.
#[derive(Debug)]
pub(super) struct Download {
    meter: Meter,
    /// How many bytes the client had taken when the wait began.
    taken: u64,
}

impl Download {
    pub(super) const fn new(client: &Client) -> Self {
        let (ticks, time) = client.limits.inactivity;
        Self { meter: Meter::new(ticks, time), taken: 0 }
    }

    /// Applies the limit to the outcome of a write. The error of a client that takes too little is `TimedOut` (S43a).
    pub(super) fn limit(
        &mut self,
        client: &Client,
        written: Poll<io::Result<usize>>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => self.poll_wait(client, cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
            Poll::Ready(Ok(length)) => {
                let now = client.timer.clock().now();
                if self.meter.transfer(now, length.try_into().unwrap_or(u64::MAX)) {
                    client.timer.stop(Wait::Download);
                }
                Poll::Ready(Ok(length))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }

    /// Waits for the client. Ready when its time is over.
    fn poll_wait(&mut self, client: &Client, cx: &Context<'_>) -> Poll<()> {
        self.begin_wait(client);
        ready!(client.timer.poll(Wait::Download, cx));
        if client.transfers.were_too_slow() {
            return Poll::Ready(());
        }
        // The system may not yet take more although the client has taken enough of what it has.
        let taken = client.taken().saturating_sub(self.taken);
        self.meter.transfer(client.timer.clock().now(), taken);
        self.begin_wait(client);
        client.timer.poll(Wait::Download, cx)
    }

    fn begin_wait(&mut self, client: &Client) {
        if let Some(ticks) = self.meter.wait(client.timer.clock().now()) {
            client.timer.start(Wait::Download, ticks);
            self.taken = client.taken();
        }
    }
}
