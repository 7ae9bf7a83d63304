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
    /// How many sent bytes the meter has counted.
    metered: u64,
    /// How many bytes the client had taken when the wait began.
    taken: u64,
}

impl Download {
    pub(super) fn new(client: &Client) -> Self {
        let (ticks, time) = client.limits.inactivity;
        Self { meter: Meter::new(ticks, time), metered: client.transfers.sent(), taken: 0 }
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
                self.end_wait(client);
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

    fn end_wait(&mut self, client: &Client) {
        let sent = client.transfers.sent();
        let new = sent.saturating_sub(std::mem::replace(&mut self.metered, sent));
        if self.meter.transfer(client.timer.clock().now(), new) {
            client.timer.stop(Wait::Download);
        }
    }

    fn begin_wait(&mut self, client: &Client) {
        if self.metered != client.transfers.sent() {
            self.end_wait(client);
        }
        if let Some(ticks) = self.meter.wait(client.timer.clock().now()) {
            client.timer.start(Wait::Download, ticks);
            self.taken = client.taken();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::proxy::tests::Rig;

    #[tokio::test]
    async fn every_byte_that_is_sent_counts_s43a() {
        let client = Rig::new().await.unserved_client().await;
        let cx = Context::from_waker(Waker::noop());
        for (sent, may_wait) in [(20_000, true), (100, false)] {
            let mut download = Download::new(&client);
            let pass =
                |ticks| (0..ticks).for_each(|_| client.timer.clock().advance([&client.timer].into_iter()));
            assert!(download.limit(&client, Poll::Pending, &cx).is_pending());
            pass(40);
            assert!(download.limit(&client, Poll::Ready(Ok(1)), &cx).is_ready());
            // By another way than through this.
            client.transfers.count_sent(sent);
            assert!(download.limit(&client, Poll::Pending, &cx).is_pending());
            pass(40);
            assert_eq!(download.limit(&client, Poll::Pending, &cx).is_pending(), may_wait, "{sent}");
        }
    }

    #[tokio::test]
    async fn what_was_sent_before_counts_for_nothing_s43a() {
        let client = Rig::new().await.unserved_client().await;
        let cx = Context::from_waker(Waker::noop());
        // Such as a handshake. With what follows it would be enough.
        client.transfers.count_sent(14_300);
        let mut download = Download::new(&client);
        let pass = |ticks| (0..ticks).for_each(|_| client.timer.clock().advance([&client.timer].into_iter()));
        assert!(download.limit(&client, Poll::Pending, &cx).is_pending());
        pass(40);
        client.transfers.count_sent(200);
        assert!(download.limit(&client, Poll::Ready(Ok(200)), &cx).is_ready());
        assert!(download.limit(&client, Poll::Pending, &cx).is_pending());
        pass(40);
        assert!(download.limit(&client, Poll::Pending, &cx).is_ready());
    }
}
