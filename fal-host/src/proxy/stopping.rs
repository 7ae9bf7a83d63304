//! How client connections end when the host stops (S66).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::client::Client;
use super::departure::close_in_stages;

/// Says to a connection without a request that another client needs its place.
#[derive(Debug)]
pub(super) struct MakeRoom;

/// How often the host looks whether a client may still send a request, while it stops.
pub(super) const LINGER_CHECK: Duration = Duration::from_millis(50);

/// The shortest time between two looks at a connection that may have to end.
const MIN_PAUSE: Duration = Duration::from_millis(10);

/// Closes a listener and returns the connections that the system has queued (S66b).
///
/// A connection whose last packet arrives between the last accept and the close is reset. TCP has no way around that.
pub(super) fn close(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut queued = Vec::new();
    let accepted = listener.into_std().map(|listener| {
        while let Ok((stream, peer)) = listener.accept() {
            let adopted = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            queued.extend(adopted.map(|stream| (stream, peer)));
        }
    });
    if let Err(error) = accepted {
        tracing::debug!(%error, "the connections that were queued when the listener closed are lost");
    }
    queued
}

/// Waits until a connection is to end. To make room for another client it ends at once. When the host stops, it ends when
/// the client has been idle for `linger`: a request may be on its way (S66c).
pub(super) async fn must_end(client: &Client, stopped: &mut oneshot::Receiver<MakeRoom>, linger: Duration) {
    let makes_room = !stopped.is_terminated() && stopped.await.is_ok();
    if makes_room {
        return;
    }
    // Whether the client was idle at a look, and the first look at which it was so.
    let mut seen = (client.idle_since(), Instant::now());
    loop {
        sleep((linger / 4).max(MIN_PAUSE)).await;
        let now = client.idle_since();
        if now != seen.0 {
            seen = (now, Instant::now());
        } else if now.is_some() && seen.1.elapsed() >= linger {
            return;
        }
    }
}

/// Closes a connection in stages, or at once if another client needs its place (S43h). A host that stops still lets the
/// client read its response.
pub(super) async fn close_or_make_room(stream: &TcpStream, stopped: &mut oneshot::Receiver<MakeRoom>) {
    let is_open = !stopped.is_terminated();
    tokio::select! {
        () = close_in_stages(stream) => {}
        Ok(MakeRoom) = stopped, if is_open => {}
    }
}
