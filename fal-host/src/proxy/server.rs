//! Takes clients.

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
use super::timer::{Clock, ConnectionTimer};
use crate::address::Pause;

/// How long a client may take over the head of a request, and so how long an idle one is kept. Load balancers keep
/// theirs for up to a minute; who closes first loses no request.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// Serves the clients of `listener` until `stop` resolves; then closes the listener, lets every client connection
/// finish the request it is at, with `connection: close`, and returns when the last has ended (S41). A request is one
/// when its whole head has come. That takes as long as the slowest client: dropping the future cuts every client off.
pub(crate) async fn serve(listener: TcpListener, balancer: Arc<Balancer>, stop: impl Future<Output = ()>) {
    let most = balancer.limits().clients;
    let mut clients = Clients::of(balancer);
    let mut said = false;
    let mut ticks = interval(clients.clock.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pause = None;
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = clients.forget_ended() => {}
            _ = ticks.tick(), if !clients.open.is_empty() => clients.tick(),
            accepted = listener.accept(), if clients.open.len() < most => match accepted {
                Ok((stream, peer)) => {
                    pause = None;
                    clients.add(stream, peer);
                    if clients.open.len() == most && !std::mem::replace(&mut said, true) {
                        tracing::warn!(
                            clients = most,
                            "more clients wait to be accepted until others leave: raise the limit on open files \
                             (`ulimit -n`) for more at a time"
                        );
                    }
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    let pause = pause.get_or_insert_with(|| {
                        tracing::warn!(%error, "cannot accept clients: trying again");
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
            () = clients.forget_ended() => {}
            _ = ticks.tick() => clients.tick(),
        }
    }
}

/// A client that was gone before it was accepted is nothing to wait for.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// The clients that are connected.
#[derive(Debug)]
struct Clients {
    balancer: Arc<Balancer>,
    tasks: JoinSet<()>,
    open: HashMap<task::Id, Open>,
    clock: Clock,
    /// How many ticks a request may take.
    limit: Option<u64>,
}

#[derive(Debug)]
struct Open {
    timer: ConnectionTimer,
    /// Dropped to tell the connection that it is to end.
    stop: Option<oneshot::Sender<Infallible>>,
}

impl Clients {
    fn of(balancer: Arc<Balancer>) -> Self {
        let timeout = balancer.limits().request_timeout;
        let clock = Clock::for_limit(timeout);
        let limit = timeout.map(|timeout| clock.ticks_of(timeout));
        Self { balancer, tasks: JoinSet::new(), open: HashMap::new(), clock, limit }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        let timer = ConnectionTimer::new(self.clock.clone());
        let client = Client {
            balancer: Arc::clone(&self.balancer),
            peer: written(peer.ip()),
            timer: timer.clone(),
            limit: self.limit,
        };
        let (stop, stopped) = oneshot::channel();
        let task = self.tasks.spawn(serve_client(stream, Arc::new(client), stopped));
        self.open.insert(task.id(), Open { timer, stop: Some(stop) });
    }

    fn tick(&self) {
        self.clock.passes(self.open.values().map(|open| &open.timer));
    }

    /// Never resolves while nobody is connected.
    async fn forget_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.open.remove(&id),
            Some(Err(error)) => self.open.remove(&error.id()),
            None => std::future::pending().await,
        };
    }

    /// Every connection ends with the request that it is at.
    fn stop(&mut self) {
        for open in self.open.values_mut() {
            open.stop = None;
        }
    }
}

/// As the headers of its requests will say it: an IPv4 address looks like one, whatever the listener.
fn written(peer: IpAddr) -> HeaderValue {
    HeaderValue::try_from(peer.to_canonical().to_string())
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

async fn serve_client(stream: TcpStream, client: Arc<Client>, mut stopped: oneshot::Receiver<Infallible>) {
    // Small responses are sent at once. If this fails, the connection is gone, and the next read says so.
    let _ = stream.set_nodelay(true);
    let timer = client.timer.clone();
    let has_asked = Arc::<AtomicBool>::default();
    let asks = Arc::clone(&has_asked);
    let service = service_fn(move |request| {
        asks.store(true, Ordering::Relaxed);
        let client = Arc::clone(&client);
        async move { Ok::<_, Infallible>(forward(client, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(HEAD_TIMEOUT)
        .writev(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How a client's connection ends is the client's affair. What has come of a request is read before it is judged.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = &mut stopped => {}
    }
    connection.as_mut().graceful_shutdown();
    // hyper would wait for the rest of a first head that has begun to come, however long.
    if has_asked.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}
