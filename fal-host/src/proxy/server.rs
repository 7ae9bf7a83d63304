//! The listener for clients: accepts connections, keeps their time limits, and ends them.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{self, JoinSet, yield_now};
use tokio::time::{MissedTickBehavior, interval};

use super::balancer::Balancer;
use super::client::Client;
use super::client_io::{ClientIo, Socket};
use super::client_limits::ClientLimits;
use super::client_threads::ClientThreads;
use super::contention::Contention;
use super::departure::prepare;
use super::forwarded::{Scheme, Sender, Trust};
use super::http1;
#[cfg(feature = "http2")]
use super::http2;
use super::protocol::Protocol;
use super::refusal_log::{LimitReached, RefusedClient};
use super::stopping::{self, LINGER_CHECK, MakeRoom, must_end};
use super::timer::{TickClock, Wait};
use crate::connect::Pause;

/// Serves the clients of `listener` until `stop` resolves. Then it closes the listener and ends every client connection:
/// after a response with `connection: close`, or when the client has been idle for the linger time (S41, S66). Returns when
/// the last has ended. That takes as long as the slowest client: dropping the future cuts every client off. The current runtime
/// and `others` serve the clients.
pub(crate) async fn serve(
    listener: TcpListener,
    balancer: Arc<Balancer>,
    others: &[Handle],
    stop: impl Future<Output = ()>,
) {
    prepare(&listener, balancer.limits().client_timeout);
    let mut clients = Clients::of(balancer, others);
    let mut ticks = interval(clients.clock.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Without clients the clock goes on until no connection to a runner is kept.
    let mut is_ticking = false;
    let mut in_a_row = 0;
    let mut pause = None;
    let mut stop = pin!(stop);
    loop {
        let max_clients = clients.balancer.max_clients();
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = clients.remove_ended() => {}
            _ = ticks.tick(), if is_ticking => {
                let keeps_runners = clients.tick();
                is_ticking = keeps_runners || !clients.open.is_empty() || clients.balancer.has_untold_refusals();
                if clients.open.len() >= max_clients {
                    clients.end_idle();
                }
            }
            accepted = listener.accept(), if clients.open.len() < max_clients => match accepted {
                Ok((stream, peer)) => {
                    pause = None;
                    is_ticking = true;
                    clients.add(stream, peer);
                    in_a_row += 1;
                    if in_a_row == MAX_IN_A_ROW {
                        in_a_row = 0;
                        yield_now().await;
                    }
                    if clients.open.len() >= max_clients {
                        clients.end_idle();
                    }
                    if clients.open.len() == max_clients {
                        clients.balancer.log_refusal(LimitReached::Connections { max: max_clients }, RefusedClient::default());
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
    for (stream, peer) in stopping::close(listener) {
        clients.add(stream, peer);
    }
    clients.stop();
    let mut lingers = true;
    let mut checks = interval(LINGER_CHECK);
    loop {
        if lingers && !clients.may_continue() {
            lingers = false;
            clients.balancer.end_linger();
        }
        if clients.open.is_empty() {
            break;
        }
        tokio::select! {
            () = clients.remove_ended() => {}
            _ = ticks.tick() => {
                clients.tick();
            }
            _ = checks.tick(), if lingers => {}
        }
    }
}

/// How many clients are accepted before other tasks run: a flood of connections must not delay them.
const MAX_IN_A_ROW: u32 = 32;

/// Whether `accept` failed because the client had left before it was accepted.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// The clients that are connected.
#[derive(Debug)]
struct Clients {
    balancer: Arc<Balancer>,
    // Dropped before the writers of the threads, which hold the requests of these tasks.
    tasks: JoinSet<()>,
    threads: ClientThreads,
    open: HashMap<task::Id, Open>,
    clock: TickClock,
    limits: ClientLimits,
}

#[derive(Debug)]
struct Open {
    client: Arc<Client>,
    contention: Contention,
    /// Dropped to end the connection after its current request.
    stop: Option<oneshot::Sender<MakeRoom>>,
}

impl Clients {
    fn of(balancer: Arc<Balancer>, others: &[Handle]) -> Self {
        let limits = balancer.limits();
        let (client_timeout, overdue) = (limits.client_timeout, limits.overdue());
        let shortest = overdue.map_or(client_timeout, |(time, _)| time.min(client_timeout));
        let clock = TickClock::for_limit(Some(shortest));
        let limits = ClientLimits::new(&clock, client_timeout, overdue);
        let threads = ClientThreads::new(others);
        Self { balancer, threads, tasks: JoinSet::new(), open: HashMap::new(), clock, limits }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        let Some((thread, runtime, stream)) = self.threads.assign(stream) else { return };
        let (balancer, peer) = (Arc::clone(&self.balancer), peer.ip());
        balancer.metrics().connected();
        let is_trusted = balancer.limits().trusted_proxies.iter().any(|range| range.contains(peer));
        let trust = if is_trusted { Trust::Yes } else { Trust::No };
        let scheme = if balancer.limits().tls.is_some() { Scheme::Https } else { Scheme::Http };
        let sender = Sender::new(peer, scheme, trust);
        let client = Arc::new(Client::new(stream, thread, sender, self.clock.clone(), self.limits));
        let (stop, stopped) = oneshot::channel();
        let task = self.tasks.spawn_on(serve_client(balancer, Arc::clone(&client), stopped), &runtime);
        self.open.insert(task.id(), Open { client, contention: Contention::default(), stop: Some(stop) });
    }

    /// Lets a tick pass. Returns whether connections to runners are kept.
    fn tick(&mut self) -> bool {
        if self.balancer.waiting() > 0 {
            for open in self.open.values_mut() {
                let client = &open.client;
                open.contention.tick(
                    &client.transfers,
                    &client.timer,
                    || client.unsent(),
                    self.limits.contention,
                );
            }
        }
        self.balancer.log_refusals();
        self.clock.advance(self.open.values().map(|open| &open.client.timer));
        self.balancer.retire_idle(&self.clock)
    }

    /// Ends the connections that have been idle for longest, to make room for other clients: one in 64, so that a flood does not
    /// cost a look at every connection for each new one. A client that has just connected, or has just been answered, is
    /// spared: its next request may be on its way.
    fn end_idle(&mut self) {
        let count = (self.open.len() / 64).max(1);
        let spared = self.clock.now().saturating_sub(2);
        let idle = self.open.values_mut().filter(|open| open.stop.is_some());
        let idle = idle.filter_map(|open| Some((open.client.idle_since()?, open)));
        let mut idle: Vec<_> = idle.filter(|(since, _)| *since < spared).collect();
        idle.sort_unstable_by_key(|(since, _)| *since);
        for (_, open) in idle.into_iter().take(count) {
            open.client.tell_to_stop();
            // A connection that has just ended has made room already.
            let _ = open.stop.take().map(|stop| stop.send(MakeRoom));
        }
    }

    /// Waits until a connection ends, and removes it. Never resolves while no client is connected.
    async fn remove_ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => std::future::pending().await,
        };
        if let Some(open) = self.open.remove(&id) {
            self.threads.release(open.client.thread.index);
        }
        self.balancer.metrics().disconnected();
    }

    /// Whether a client may send a further request that it may expect to be served, or the body of one still arrives (S56a).
    fn may_continue(&self) -> bool {
        self.balancer.arriving.any() || self.open.values().any(|open| open.client.may_continue())
    }

    /// Ends every connection after its current request.
    fn stop(&mut self) {
        for open in self.open.values_mut() {
            open.client.tell_to_stop();
            open.stop = None;
        }
    }
}

/// Serves one client connection: waits for its first byte, serves its requests, and closes it.
async fn serve_client(
    balancer: Arc<Balancer>,
    client: Arc<Client>,
    mut stopped: oneshot::Receiver<MakeRoom>,
) {
    let linger = balancer.limits().linger;
    let mut seen = 0;
    let protocol = tokio::select! {
        biased;
        protocol = poll_fn(|cx| Protocol::poll(&client, &mut seen, cx)) => protocol,
        () = must_end(&client, &mut stopped, linger) => return,
    };
    if let Some(protocol) = protocol {
        // Only a client that sends something costs the memory that HTTP needs.
        Box::pin(serve_connection(balancer, client, protocol, stopped)).await;
    }
}

async fn serve_connection(
    balancer: Arc<Balancer>,
    client: Arc<Client>,
    mut protocol: Protocol,
    mut stopped: oneshot::Receiver<MakeRoom>,
) {
    let socket = Socket(Arc::clone(&client));
    let io = match &balancer.limits().tls {
        None => ClientIo::Plain(socket),
        Some(tls) => {
            client.timer.start(Wait::Head, client.limits.handshake);
            let accepted = tokio::select! {
                accepted = tls.accept(socket) => accepted,
                () = poll_fn(|cx| client.timer.poll(Wait::Head, cx)) => return,
                () = must_end(&client, &mut stopped, balancer.limits().linger) => return,
            };
            // A failed handshake is the client's: it does not trust the certificate, or does not speak TLS.
            let Ok(secured) = accepted else { return };
            protocol = secured.protocol;
            client.await_head();
            ClientIo::Tls(secured.stream)
        }
    };
    match protocol {
        Protocol::Http1 => http1::serve(balancer, client, io, stopped).await,
        #[cfg(feature = "http2")]
        Protocol::Http2 => http2::serve(balancer, client, io, stopped).await,
    }
}
