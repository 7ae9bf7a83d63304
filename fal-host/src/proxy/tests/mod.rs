//! The data plane between real clients and scripted runners, over real sockets. Nothing here sleeps: a test waits for
//! what must happen, and [`within`] fails it where that does not happen.

mod abandoned;
mod abuse;
mod deferred;
mod early;
mod fairness;
mod framing;
mod gathering;
mod heads;
#[cfg(all(feature = "http2", feature = "tls"))]
mod http2;
mod interim;
mod lengths;
mod log;
mod losses;
mod manual_checks;
mod messages;
mod next_head;
mod overdue;
mod peer;
mod queue;
mod refused_heads;
mod relay;
mod rest;
mod retries;
mod rig;
mod shares;
mod slow;
mod stop_runner;
mod stopping;
mod stress;
mod targets;
mod threads;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_tunnels;
mod tunnels;
mod unread_uploads;
mod wedged;

use std::time::Duration;

use peer::{Message, Peer};
pub(super) use rig::Rig;

/// Longer than anything here takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a body with a length arrives before its request takes a permit (S56).
const BEGINNING: usize = 16 * 1024;

/// A request whose body is this much longer than [`BEGINNING`], and as much of it as gets a permit.
fn long_post(rest: usize) -> String {
    let length = BEGINNING + rest;
    format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{}", "x".repeat(BEGINNING))
}

/// The output of the future, which must not take forever.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("what the test waits for happens")
}

/// Lets the other tasks do all that they can until time passes.
async fn settle() {
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
}

/// Waits until a condition that other tasks bring about holds.
async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
