//! The end of a connection whose response is not wanted any more.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::connect::Stream;

/// How much a runner may send to a client that has left, in bytes, and for how long from the first byte. A runner that
/// sends more has not noticed: then its connection is closed, so that its next write fails.
const MAX_UNWANTED: usize = 256 * 1024;
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(1);

/// Half-closes a connection and waits until the runner has closed its side, or has sent for too long (S43c).
pub(in crate::proxy) async fn wait_until_closed(mut stream: Stream) {
    // An error here and below means that the runner has closed.
    if stream.shutdown().await.is_err() {
        return;
    }
    let (mut unwanted, mut received) = (vec![0; 8 * 1024], 0);
    let mut deadline = None;
    while received < MAX_UNWANTED {
        let read = stream.read(&mut unwanted);
        let read = match deadline {
            None => read.await,
            Some(deadline) => match timeout_at(deadline, read).await {
                Ok(read) => read,
                Err(_) => return,
            },
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(length) => received += length,
        }
        deadline.get_or_insert_with(|| Instant::now() + UNWANTED_TIMEOUT);
    }
}
