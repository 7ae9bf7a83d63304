//! Hostile bytes, enumerated: which byte a head has, where a connection is cut, and how large a part of a message is.
//!
//! After each, the rig must be as before: no permit is taken, no request waits, no check is asked for, and no runner is
//! reported. The next request is served.

mod bombs;
mod bytes;
#[cfg(feature = "tls")]
mod cut_ciphertext;
mod cut_tunnels;
pub(super) mod cuts;
mod strict;
mod trickles;

use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::rig::FakeRunner;
use super::{Peer, Rig, until};
use crate::RunnerId;

/// Answers every request of every connection with the same bytes, and passes on what it has received.
pub(super) async fn answer_with(
    runner: FakeRunner,
    response: Vec<u8>,
    requests: mpsc::UnboundedSender<Vec<u8>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (mut peer, response, requests) =
            (Peer::new(runner.stream().await), response.clone(), requests.clone());
        connections.spawn(async move {
            while let Some(request) = peer.raw_message().await {
                // The test may have ended.
                let _ = requests.send(request);
                if peer.try_send_bytes(&response).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Whether everything is as it was before the abuse, and the runner still serves.
pub(super) async fn assert_unharmed(rig: &mut Rig, runner: RunnerId) {
    until(|| rig.balancer.in_flight(runner) == 0 && rig.balancer.waiting() == 0).await;
    assert!(rig.balancer.take_asked().is_empty(), "no client causes a check");
    assert!(rig.has_no_report(), "the runner is not suspected");
}

/// How many requests count as lost with the runner.
pub(super) fn losses(rig: &Rig, runner: RunnerId) -> u64 {
    rig.balancer.recent_losses(runner, SystemTime::now()).map_or(0, |losses| losses.requests)
}

/// What a client gets for some bytes, until its connection closes.
async fn exchange(rig: &Rig, bytes: &[u8]) -> Vec<u8> {
    let mut client = rig.client().await;
    // The host may refuse a request before it has read all of it.
    let _ = client.try_send_bytes(bytes).await;
    client.rest().await
}
