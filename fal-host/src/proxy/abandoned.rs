//! Abandoned requests: their responses are not wanted any more.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::permit::Permit;
use super::send_queue::unread;
use super::timer::TickClock;
use crate::connect::Stream;

/// How much a runner may send to a client that has left, in bytes, and for how long from the first byte. A runner that
/// sends more has not noticed: then its connection is closed, so that its next write fails.
const MAX_UNWANTED: usize = 256 * 1024;
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(1);

/// Half-closes the connection of an abandoned request, and keeps the permit until the runner has closed its side, or has sent for
/// too long (S43c). The runner knows that no more comes: the request is overdue when it has read nothing for `overdue_after`
/// (S53a).
pub(super) async fn abandon(mut permit: Permit, stream: Stream, overdue_after: Option<Duration>) {
    // Over TCP the half-close counts as one byte until it is acknowledged.
    let mut left = unread(&stream);
    let mut connection = AbandonedConnection { stream, received: 0, deadline: None };
    // An error here and below means that the runner has closed.
    if connection.stream.shutdown().await.is_err() {
        return;
    }
    if let Some(after) = overdue_after {
        let tick = TickClock::for_limit(Some(after)).tick();
        let mut taken_at = Instant::now();
        loop {
            // Each tick shows whether the runner takes more.
            let pause = if left > 0 { tick } else { after.saturating_sub(taken_at.elapsed()) };
            if timeout(pause, connection.closed()).await.is_ok() {
                return;
            }
            let unread = unread(&connection.stream);
            if unread < left {
                left = unread;
                taken_at = Instant::now();
                permit.end_overdue();
            } else if taken_at.elapsed() >= after {
                permit.mark_overdue();
                if left == 0 {
                    break;
                }
            }
        }
    }
    connection.closed().await;
}

/// The connection of an abandoned request, which is half-closed.
#[derive(Debug)]
struct AbandonedConnection {
    stream: Stream,
    /// How many bytes have been received on it since.
    received: usize,
    /// When it is closed, if anything has been received.
    deadline: Option<Instant>,
}

impl AbandonedConnection {
    /// Waits until the runner has closed its side, or has sent for too long. The future may be dropped: the next one goes on.
    async fn closed(&mut self) {
        let mut unwanted = vec![0; 8 * 1024];
        while self.received < MAX_UNWANTED {
            let read = self.stream.read(&mut unwanted);
            let read = match self.deadline {
                None => read.await,
                Some(deadline) => match timeout_at(deadline, read).await {
                    Ok(read) => read,
                    Err(_) => return,
                },
            };
            match read {
                Ok(0) | Err(_) => return,
                Ok(length) => self.received += length,
            }
            self.deadline.get_or_insert_with(|| Instant::now() + UNWANTED_TIMEOUT);
        }
    }
}
