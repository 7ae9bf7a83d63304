//! The listener of the admin interface: few connections, each for a short time, so that they take nothing from checks.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::{Extension, Router};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::connect::Pause;
use crate::open_files::INTERFACE_CONNECTIONS;

/// How long a client may take to send the head of a request, which is also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may last. A client that reads slowly or not at all is cut off so.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How large the head of a request may be, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Where the admin interface listens.
#[derive(Debug)]
pub(crate) enum AdminListener {
    Tcp(TcpListener),
    /// Only the host's user can connect (S88a).
    Unix(UnixListener),
}

/// The same before it belongs to a reactor.
#[derive(Debug)]
pub(crate) enum StdListener {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl StdListener {
    /// Registers the listener with the reactor of this runtime.
    pub(crate) fn register(self) -> io::Result<AdminListener> {
        Ok(match self {
            Self::Tcp(listener) => AdminListener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener) => {
                listener.set_nonblocking(true)?;
                AdminListener::Unix(UnixListener::from_std(listener)?)
            }
        })
    }
}

impl AdminListener {
    /// Waits for a connection, and returns the future that serves it.
    async fn accept(
        &self,
        router: &Router,
        closing: &watch::Receiver<Option<Duration>>,
    ) -> io::Result<BoxFuture<'static, ()>> {
        let (router, closing) = (router.clone(), closing.clone());
        Ok(match self {
            Self::Tcp(listener) => serve_connection(listener.accept().await?.0, router, closing).boxed(),
            Self::Unix(listener) => serve_connection(listener.accept().await?.0, router, closing).boxed(),
        })
    }
}

/// Serves the admin interface until `closing` has a time. Then it closes the listener, drops `door`, and lets each connection
/// have a request within that time. Returns when all have ended. Dropping the future ends all connections.
pub(crate) async fn serve(
    listener: AdminListener,
    router: Router,
    mut closing: watch::Receiver<Option<Duration>>,
    door: watch::Sender<()>,
) {
    let closed = closing.clone();
    let mut tasks = JoinSet::new();
    tokio::select! {
        () = accept(&listener, &router, &closed, &mut tasks) => {}
        // An error means that nothing closes the listener any more but the end of the host.
        Ok(_) = closing.wait_for(Option::is_some) => {}
    }
    drop((listener, door));
    while tasks.join_next().await.is_some() {}
}

/// Accepts connections until the future is dropped. One more than there may be ends the oldest.
async fn accept(
    listener: &AdminListener,
    router: &Router,
    closing: &watch::Receiver<Option<Duration>>,
    tasks: &mut JoinSet<()>,
) {
    let mut connections: VecDeque<AbortHandle> = VecDeque::new();
    let mut pause = Pause::new();
    loop {
        let connection = match listener.accept(router, closing).await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection to the admin interface, trying again");
                pause.wait().await;
                continue;
            }
        };
        pause = Pause::new();
        while tasks.try_join_next().is_some() {}
        connections.retain(|connection| !connection.is_finished());
        if connections.len() >= INTERFACE_CONNECTIONS
            && let Some(oldest) = connections.pop_front()
        {
            oldest.abort();
        }
        connections.push_back(tasks.spawn(connection));
    }
}

/// What keeps one connection open for longer than [`CONNECTION_TIMEOUT`].
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<WaitState>);

#[derive(Debug, Default)]
struct WaitState {
    /// How many requests wait for something, such as the end of a rolling restart.
    waiting: AtomicUsize,
    /// Whether the client has taken a part of a stream since the last look.
    progressed: AtomicBool,
}

/// Keeps a connection open for longer than [`CONNECTION_TIMEOUT`].
#[derive(Debug)]
pub(super) struct WaitGuard(Waiting);

impl Waiting {
    /// Keeps the connection open until the guard is dropped.
    pub(super) fn begin(&self) -> WaitGuard {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        WaitGuard(self.clone())
    }

    /// The client takes the next part of a stream. A client that stops reading is cut off like others.
    pub(super) fn progressed(&self) {
        self.0.progressed.store(true, Ordering::Relaxed);
    }

    fn is_any(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0 || self.0.progressed.swap(false, Ordering::Relaxed)
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut closing: watch::Receiver<Option<Duration>>,
) {
    let waiting = Waiting::default();
    let router = router.layer(Extension(waiting.clone()));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    let mut is_closing = false;
    loop {
        tokio::select! {
            // How the connection of a client ends is of no use to the host.
            ended = timeout(CONNECTION_TIMEOUT, connection.as_mut()) => {
                if ended.is_ok() || !waiting.is_any() {
                    return;
                }
            }
            () = lingered(&mut closing), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Waits until a connection without a request has to end. Never resolves while the listener is open.
async fn lingered(closing: &mut watch::Receiver<Option<Duration>>) {
    match closing.wait_for(Option::is_some).await.map(|closing| *closing) {
        Ok(linger) => sleep(linger.unwrap_or_default()).await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn connect(address: std::net::SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.unwrap()
    }

    fn serve_forever(listener: TcpListener, router: Router) {
        let (closing, door) = (watch::channel(None).1, watch::channel(()).0);
        tokio::spawn(serve(AdminListener::Tcp(listener), router, closing, door));
    }

    async fn start() -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        serve_forever(listener, Router::new().route("/", get(async || "ok")));
        address
    }

    #[tokio::test]
    async fn silent_connections_do_not_keep_others_out_s46a() {
        let address = start().await;
        let mut silent = Vec::new();
        for _ in 0..3 * INTERFACE_CONNECTIONS {
            silent.push(connect(address).await);
        }
        let mut client = connect(address).await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        let mut oldest = silent.remove(0);
        assert_eq!(oldest.read(&mut [0; 1]).await.unwrap_or(0), 0, "it was ended for a later one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_a_restart_outlives_the_limit_and_others_do_not_s46a() {
        let ended_after = async |waits: bool| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = connect(listener.local_addr().unwrap()).await;
            let answer = async move |Extension(waiting): Extension<Waiting>| {
                let _guard = waits.then(|| waiting.begin());
                tokio::time::sleep(CONNECTION_TIMEOUT * 10).await;
            };
            serve_forever(listener, Router::new().route("/", get(answer)));
            let began = tokio::time::Instant::now();
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut response = String::new();
            let _ = client.read_to_string(&mut response).await;
            (response.starts_with("HTTP/1.1 200"), began.elapsed() > CONNECTION_TIMEOUT * 9)
        };
        assert_eq!(ended_after(true).await, (true, true));
        assert_eq!(ended_after(false).await, (false, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_ends_after_ten_seconds_s46a() {
        let mut silent = connect(start().await).await;
        let began = tokio::time::Instant::now();
        silent.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert!(began.elapsed() <= HEAD_TIMEOUT * 2, "{:?}", began.elapsed());
    }
}
