//! Tunnels that are cut at every byte: of the upgrade, of the response that switches protocols, and of what follows.

use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};

use super::cuts::Cut;
use super::strict::Strict;
use super::{FakeRunner, Peer, Rig, assert_unharmed, losses};
use crate::proxy::tests::within;

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/// What the client, and what the runner, sends first.
const FROM_CLIENT: &str = "first of the client";
const FROM_RUNNER: &str = "first of the runner";

/// Switches the protocol of each connection, sends [`FROM_RUNNER`], and passes on what the client has sent when it ends.
async fn switch(runner: FakeRunner, tunnelled: mpsc::UnboundedSender<Vec<u8>>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut peer, tunnelled) = (Peer::new(runner.stream().await), tunnelled.clone());
        connections.spawn(async move {
            let is_asked = peer.raw_message().await.is_some();
            if is_asked && peer.try_send(&[SWITCH, FROM_RUNNER].concat()).await.is_ok() {
                // The test may have ended.
                let _ = tunnelled.send(peer.rest().await);
            }
        });
    }
}

/// What a client gets that asks for a tunnel and then closes its side.
async fn tunnel(rig: &Rig) -> Vec<u8> {
    let mut client = rig.client().await;
    client.send(&[UPGRADE, FROM_CLIENT].concat()).await;
    client.close_side().await;
    let answer = client.rest().await;
    assert_switched(&answer, FROM_RUNNER, "the next request is served");
    answer
}

/// Whether a client has got a tunnel and these bytes through it.
fn assert_switched(answer: &[u8], sent: &str, what: &str) {
    let answer = Strict::response(answer).unwrap();
    assert_eq!((answer.status(), answer.body.as_slice()), (101, sent.as_bytes()), "{what}");
}

#[tokio::test]
async fn a_client_that_cuts_an_upgrade_or_its_tunnel_at_any_byte_takes_no_permit_along_s45i_s43d() {
    let sent = [UPGRADE, FROM_CLIENT].concat();
    for cut in Cut::ALL {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let id = runner.id;
        let (tunnelled, mut received) = mpsc::unbounded_channel();
        let serving = tokio::spawn(switch(runner, tunnelled));
        for length in 0..=sent.len() {
            let mut client = rig.client().await;
            client.send(&sent[..length]).await;
            for _ in 0..length % 8 {
                yield_now().await;
            }
            let Some(answer) = cut.end(client).await else { continue };
            if let Some(tunnelled) = length.checked_sub(UPGRADE.len()) {
                assert_switched(&answer, FROM_RUNNER, &format!("{length} of {sent}"));
                let reached = within(received.recv()).await.unwrap();
                assert_eq!(reached, &FROM_CLIENT.as_bytes()[..tunnelled]);
            } else if let Ok(answer) = Strict::response(&answer) {
                assert_eq!((answer.status(), answer.is_whole()), (400, true), "{length} of {sent}");
            }
        }
        assert_unharmed(&mut rig, id).await;
        assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
        tunnel(&rig).await;
        serving.abort();
    }
}

#[tokio::test]
async fn a_client_that_leaves_at_any_byte_of_a_switch_or_its_tunnel_takes_no_permit_along_s45i_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let id = runner.id;
    let (tunnelled, _received) = mpsc::unbounded_channel();
    let serving = tokio::spawn(switch(runner, tunnelled));
    // A `100 Continue` may precede the response to a client that has closed its side.
    let answer = String::from_utf8(tunnel(&rig).await).unwrap();
    let whole = answer.len() - answer.find("HTTP/1.1 101").unwrap();
    for cut in Cut::ALL {
        for length in 0..=whole {
            let mut client = rig.client().await;
            client.send(&[UPGRADE, FROM_CLIENT].concat()).await;
            let begun = client.exactly(length).await.into_bytes();
            if let Some(rest) = cut.end(client).await {
                let answer = [begun, rest].concat();
                assert_switched(&answer, FROM_RUNNER, &format!("{length} bytes are read before"));
            }
        }
        assert_unharmed(&mut rig, id).await;
        assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
    }
    tunnel(&rig).await;
    serving.abort();
}

#[tokio::test]
async fn a_runner_that_leaves_at_any_byte_of_an_upgrade_loses_no_permit_s38b_s39c_s45i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let mut client = rig.client().await;
    client.send(UPGRADE).await;
    // With the fields that the host adds.
    let whole = runner.accept().await.raw_message().await.unwrap().len();
    assert_eq!(client.message().await.status(), 503);
    for length in 0..=whole {
        let mut client = rig.client().await;
        client.send(&[UPGRADE, FROM_CLIENT].concat()).await;
        let mut connection = runner.accept().await;
        connection.read_only(length).await;
        drop(connection);
        let lost = client.message().await;
        assert_eq!((lost.status(), lost.error_type().as_str()), (503, "runner_disconnected"), "{length}");
    }
    assert_unharmed(&mut rig, runner.id).await;
    assert_eq!(losses(&rig, runner.id), whole as u64 + 2, "each is lost with its runner");
    let serving = tokio::spawn(switch(runner, mpsc::unbounded_channel().0));
    tunnel(&rig).await;
    serving.abort();
}

#[tokio::test]
async fn a_runner_that_cuts_a_switch_or_its_tunnel_at_any_byte_loses_no_permit_s39c_s45i() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let sent = [SWITCH, FROM_RUNNER].concat();
    let mut lost = 0;
    for cut in [Cut::Close, Cut::HalfClose] {
        for length in 0..=sent.len() {
            let mut client = rig.client().await;
            client.send(&[UPGRADE, FROM_CLIENT].concat()).await;
            let mut connection = runner.accept().await;
            connection.head().await;
            connection.send(&sent[..length]).await;
            if cut == Cut::HalfClose {
                connection.close_side().await;
            }
            // A connection that is closed while bytes of it are unread fails at once.
            let kept = (cut == Cut::HalfClose).then_some(connection);
            if let Some(tunnelled) = length.checked_sub(SWITCH.len()) {
                let answer = client.rest().await;
                assert_switched(&answer, &FROM_RUNNER[..tunnelled], &format!("{cut:?} after {length}"));
            } else {
                let refused = client.message().await;
                assert_eq!((refused.status(), refused.error_type().as_str()), (503, "runner_disconnected"));
                lost += 1;
            }
            drop((client, kept));
        }
        assert_unharmed(&mut rig, runner.id).await;
        assert_eq!(losses(&rig, runner.id), lost, "a tunnel is none");
    }
    let serving = tokio::spawn(switch(runner, mpsc::unbounded_channel().0));
    tunnel(&rig).await;
    serving.abort();
}
