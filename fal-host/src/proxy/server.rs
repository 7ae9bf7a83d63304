//! The listener for clients: accepts connections, keeps their time limits, and ends them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{self, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::balancer::Balancer;
use super::forward::{Client, forward};
use super::timer::{ConnectionTimer, TickClock};
use crate::connect::Pause;

/// How long a client may take to send the head of a request, which is also how long an idle connection is kept. Load
/// balancers keep idle connections for up to a minute; the side that closes first loses no request.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// Serves the clients of `listener` until `stop` resolves; then closes the listener, lets every client connection
/// finish the request it is at, with `connection: close`, and returns when the last has ended (S41). A request is one
/// when its whole head has come. That takes as long as the slowest client: dropping the future cuts every client off.
pub(crate) async fn serve(listener: TcpListener, balancer: Arc<Balancer>, stop: impl Future<Output = ()>) {
    let max_clients = balancer.limits().clients;
    let mut clients = Clients::of(balancer);
    let mut warned = false;
    let mut ticks = interval(clients.clock.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pause = None;
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = clients.remove_ended() => {}
            _ = ticks.tick(), if !clients.open.is_empty() => clients.tick(),
            accepted = listener.accept(), if clients.open.len() < max_clients => match accepted {
                Ok((stream, peer)) => {
                    pause = None;
                    clients.add(stream, peer);
                    if clients.open.len() == max_clients && !std::mem::replace(&mut warned, true) {
                        tracing::warn!(
                            clients = max_clients,
                            "the limit on client connections is reached, and further clients wait to be accepted: \
                             raise the limit on open files (`ulimit -n`) to serve more at a time"
                        );
                    }
                }
                Err(error) if is_client_error(&error) => {}
                Err(error) => {
                    let pause = pause.get_or_insert_with(|| {
                        tracing::warn!(%error, "cannot accept clients, trying again");
                        Pause::new()
                    });
                    pause.wait().await;
                }
            },
        }
    }
    drop(listener);
    clients.stop();
    while !clients.open.is_empty() {
        tokio::select! {
            () = clients.remove_ended() => {}
            _ = ticks.tick() => clients.tick(),
        }
    }
}

/// Whether `accept` failed because the client had left before it was accepted.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// The clients that are connected.
#[derive(Debug)]
struct Clients {
    balancer: Arc<Balancer>,
    tasks: JoinSet<()>,
    open: HashMap<task::Id, Open>,
    clock: TickClock,
    /// `request_timeout` in ticks.
    limit: Option<u64>,
}

#[derive(Debug)]
struct Open {
    timer: ConnectionTimer,
    /// Dropped to end the connection after its current request.
    stop: Option<oneshot::Sender<Infallible>>,
}

impl Clients {
    fn of(balancer: Arc<Balancer>) -> Self {
        let timeout = balancer.limits().request_timeout;
        let clock = TickClock::for_limit(timeout);
        let limit = timeout.map(|timeout| clock.ticks_of(timeout));
        Self { balancer, tasks: JoinSet::new(), open: HashMap::new(), clock, limit }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        let timer = ConnectionTimer::new(self.clock.clone());
        let client = Client {
            balancer: Arc::clone(&self.balancer),
            peer: to_header_value(peer.ip()),
            timer: timer.clone(),
            limit: self.limit,
        };
        let (stop, stopped) = oneshot::channel();
        let task = self.tasks.spawn(serve_client(stream, Arc::new(client), stopped));
        self.open.insert(task.id(), Open { timer, stop: Some(stop) });
    }

    fn tick(&self) {
        self.clock.advance(self.open.values().map(|open| &open.timer));
    }

    /// Waits until a connection ends, and removes it. Never resolves while no client is connected.
    async fn remove_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.open.remove(&id),
            Some(Err(error)) => self.open.remove(&error.id()),
            None => std::future::pending().await,
        };
    }

    /// Ends every connection after its current request.
    fn stop(&mut self) {
        for open in self.open.values_mut() {
            open.stop = None;
        }
    }
}

/// The client's address as a header value. An IPv4 client of an IPv6 listener is written as IPv4.
fn to_header_value(peer: IpAddr) -> HeaderValue {
    HeaderValue::try_from(peer.to_canonical().to_string())
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

async fn serve_client(stream: TcpStream, client: Arc<Client>, mut stopped: oneshot::Receiver<Infallible>) {
    // Sends small responses at once. If this fails, the connection is gone, and the next read fails.
    let _ = stream.set_nodelay(true);
    let timer = client.timer.clone();
    let has_request = Arc::<AtomicBool>::default();
    let seen = Arc::clone(&has_request);
    let service = service_fn(move |request| {
        seen.store(true, Ordering::Relaxed);
        let client = Arc::clone(&client);
        async move { Ok::<_, Infallible>(forward(client, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(HEAD_TIMEOUT)
        .writev(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // The error of a client's connection is of no use to the host. A request that has arrived is read before `stopped`.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = &mut stopped => {}
    }
    connection.as_mut().graceful_shutdown();
    // hyper would wait without limit for the rest of a first head that has begun to arrive.
    if has_request.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}
