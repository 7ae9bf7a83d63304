//! How the host learns that a client has left, and how it lets one go.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout, timeout_at};

use super::client::Client;
use super::contention::CONTENTION_TIMEOUT;
use super::timer::{FOREVER, Wait};

/// When a silent client is probed first, and how often. This finds a client that has vanished without closing its connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How often a client is probed that has closed its side. In a response this interval doubles, up to the second.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
const MAX_PROBE_INTERVAL: Duration = Duration::from_secs(60);

/// How often the host looks whether a runner reads what a client has sent that has closed its side.
const READ_CHECK: Duration = Duration::from_secs(1);

/// Whether the system reports that a client has closed its side while bytes of it are unread.
pub(super) const REPORTS_CLOSED_SIDES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How many connections the system queues until they are accepted. The system may have a lower limit (`net.core.somaxconn`).
/// The standard library's 128 are few: a client that finds the queue full tries again after a second.
const BACKLOG: i32 = 4096;

/// Lengthens the queue of a listener, and sets what its connections inherit: small responses are sent at once, and a client that has vanished is
/// noticed after `client_timeout`.
pub(super) fn prepare(listener: &TcpListener, client_timeout: Duration) {
    let set = || -> rustix::io::Result<()> {
        // A second call changes the length of the queue.
        rustix::net::listen(listener, BACKLOG)?;
        sockopt::set_tcp_nodelay(listener, true)?;
        sockopt::set_socket_keepalive(listener, true)?;
        sockopt::set_tcp_keepidle(listener, KEEPALIVE_IDLE)?;
        sockopt::set_tcp_keepintvl(listener, KEEPALIVE_INTERVAL)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(timeout) = u32::try_from(client_timeout.as_millis()) {
            // Shorter than a probe it would end connections that are only idle.
            let shortest =
                u32::try_from((KEEPALIVE_IDLE + KEEPALIVE_INTERVAL).as_millis()).unwrap_or(timeout);
            sockopt::set_tcp_user_timeout(listener, timeout.max(shortest))?;
        }
        Ok(())
    };
    if let Err(error) = set() {
        tracing::debug!(%error, "cannot set the options of client connections: vanished clients are noticed late, and bursts of clients wait");
    }
}

/// Resolves when the client has left before its response has begun.
///
/// A client that closes its connection and one that closes only its side of it send the same packet. The host tells them
/// apart by a `100 Continue`, which every client of HTTP/1.1 must accept (RFC 9110, 15.2): a connection that is closed is
/// reset by it. So a half-closed client gets its response, and a client that has left is noticed.
///
/// The requests of a connection of HTTP/2 end with their streams, which hyper watches.
pub(super) async fn departed(client: &Client) {
    if client.is_stream() {
        return std::future::pending().await;
    }
    if side_closed_or_failed(client.stream()).await == Side::Failed {
        return;
    }
    // In its own memory: few requests get here, and the future of each would be larger.
    Box::pin(probe_before_response(client)).await;
}

async fn probe_before_response(client: &Client) {
    if !client.interim.are_possible() {
        failed_or_in_the_way(client).await;
        return;
    }
    loop {
        client.interim.send(b"HTTP/1.1 100 Continue\r\n\r\n");
        if timeout(PROBE_INTERVAL, failed(client.stream())).await.is_ok() {
            return;
        }
    }
}

/// Resolves when the client has left while its response is being sent: when the connection has failed.
///
/// A client that only closes its side of it still reads the response (S43d). One that has closed the connection resets it when
/// it gets the next bytes. If the runner sends none, the gap between two chunks is probed. In a response with a length, and in
/// one to a client of HTTP/1.0, no byte can be sent meanwhile. The system of a client that has closed its connection answers
/// keepalive probes for about a minute: until then only requests that wait for a permit end this.
///
/// hyper watches the streams of HTTP/2.
pub(super) async fn departed_from_response(client: &Client) {
    if client.is_stream() {
        return std::future::pending().await;
    }
    if side_closed_or_failed(client.stream()).await == Side::Failed {
        return;
    }
    if !client.has_chunks() {
        failed_or_in_the_way(client).await;
        return;
    }
    let mut interval = PROBE_INTERVAL;
    loop {
        client.probe_gap();
        if timeout(interval, failed(client.stream())).await.is_ok() {
            return;
        }
        interval = (interval * 2).min(MAX_PROBE_INTERVAL);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Closed,
    Failed,
}

/// Waits until the client has closed its side of the connection, even while bytes of it are unread, or reset it.
#[cfg(any(target_os = "linux", target_os = "android"))]
async fn side_closed_or_failed(stream: &TcpStream) -> Side {
    // Either makes the stream readable. To wait for that first costs less: the task that reads has a place for its waker.
    if poll_fn(|cx| stream.poll_read_ready(cx)).await.is_err() {
        return Side::Failed;
    }
    match stream.ready(Interest::PRIORITY | Interest::ERROR).await {
        Ok(ready) if !ready.is_error() => Side::Closed,
        _ => Side::Failed,
    }
}

/// Elsewhere hyper notices it, and drops the request.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
async fn side_closed_or_failed(stream: &TcpStream) -> Side {
    failed(stream).await;
    Side::Failed
}

/// Resolves when the connection has failed, such as by a reset.
async fn failed(stream: &TcpStream) {
    // An error here is one of the runtime that ends.
    let _ = stream.ready(Interest::ERROR).await;
}

/// Why a client that has closed its side counts as one that has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DepartureCause {
    #[error("the client has reset its connection, or has vanished")]
    Failed,
    #[error(
        "the client had closed its side, and nothing was passed on for {} s while other requests waited for a permit; with a \
         higher `max_multiplexing` fewer requests wait",
        CONTENTION_TIMEOUT.as_secs()
    )]
    InTheWay,
}

/// Waits for a client that has closed its side, and that can be sent nothing. Resolves when the connection has failed, or when
/// other requests have waited too long for what this one holds (S43d).
async fn failed_or_in_the_way(client: &Client) -> DepartureCause {
    client.timer.start(Wait::Departure, FOREVER);
    tokio::select! {
        () = failed(client.stream()) => DepartureCause::Failed,
        () = poll_fn(|cx| client.timer.poll(Wait::Departure, cx)) => DepartureCause::InTheWay,
    }
}

/// Waits until the client of a tunnel has closed its side, even while bytes of it are unread, and then as
/// [`departed_from_half`].
pub(super) async fn departed_from_tunnel(client: &Client, unread: impl Fn() -> u64) -> DepartureCause {
    match side_closed_or_failed(client.stream()).await {
        Side::Failed => DepartureCause::Failed,
        Side::Closed => departed_from_half(client, unread).await,
    }
}

/// Waits for the client of a tunnel that has closed its side, as [`failed_or_in_the_way`]. What its runner reads meanwhile counts as
/// passed on (S45i). `unread` is how much it has not read.
pub(super) async fn departed_from_half(client: &Client, unread: impl Fn() -> u64) -> DepartureCause {
    let mut departed = pin!(failed_or_in_the_way(client));
    let mut before = unread();
    loop {
        if let Ok(cause) = timeout(READ_CHECK, departed.as_mut()).await {
            return cause;
        }
        // The system lets the host write more only when the runner has read most of it.
        let left = unread();
        let read = std::mem::replace(&mut before, left).saturating_sub(left);
        client.transfers.count_uploaded(read.try_into().unwrap_or(usize::MAX));
    }
}

/// How long a client may go on sending what the host does not want, and how long it may pause meanwhile.
const LINGER: Duration = Duration::from_secs(30);
pub(super) const LINGER_PAUSE: Duration = Duration::from_secs(2);

/// Closes a connection in stages (RFC 9112, 9.6): no more is sent, and what the client still sends is read and dropped,
/// so that it can read the response. To close at once would reset the connection and lose the response.
pub(super) async fn close_in_stages(stream: &TcpStream) {
    if rustix::net::shutdown(stream, rustix::net::Shutdown::Write).is_err() {
        return;
    }
    let deadline = Instant::now() + LINGER;
    let mut unwanted = vec![0; 16 * 1024];
    loop {
        match stream.try_read(&mut unwanted) {
            Ok(0) => return,
            // A client that sends faster than this reads does not hold up other tasks.
            Ok(_) => consume_budget().await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let readable = timeout(LINGER_PAUSE, stream.readable());
                let Ok(Ok(Ok(()))) = timeout_at(deadline, readable).await else { return };
            }
            Err(_) => return,
        }
        if Instant::now() >= deadline {
            return;
        }
    }
}

/// Closes a connection at once, and drops what was not sent yet.
pub(super) fn reset(stream: &TcpStream) {
    // If that fails, the system sends the rest first, as long as the client's time limit lets it.
    let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
