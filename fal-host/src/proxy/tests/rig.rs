//! A data plane with scripted runners and clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};
use tokio::runtime;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Peer, within};
use crate::proxy::client::Client;
use crate::proxy::client_limits::ClientLimits;
use crate::proxy::forwarded::{Scheme, Sender, Trust};
#[cfg(feature = "http2")]
use crate::proxy::session::Session;
use crate::proxy::thread::Thread;
use crate::proxy::timer::TickClock;
use crate::proxy::{
    Balancer, HealthPath, Limits, MAX_HEAD, ManualChecks, Origins, Report, Reports, RequestTracer, Retries,
    serve,
};
use crate::serving_threads::ServingThreads;
use crate::{Address, RunnerId};

/// A host's data plane, and the side that would control it.
#[derive(Debug)]
pub(in crate::proxy) struct Rig {
    pub(super) balancer: Arc<Balancer>,
    pub(super) asked: Arc<Notify>,
    pub(super) server: Option<JoinHandle<()>>,
    reports: mpsc::UnboundedReceiver<Report>,
    stop: Option<oneshot::Sender<()>>,
    pub(super) address: SocketAddr,
    directory: TempDir,
    runners: u64,
    _threads: ServingThreads,
}

/// The usual limits: one slot a runner, room for everybody to wait.
pub(super) fn limits() -> Limits {
    Limits {
        clients: usize::MAX,
        max_head: MAX_HEAD,
        queue: 100,
        queue_timeout: Duration::from_secs(600),
        request_timeout: None,
        wedged_after: None,
        client_timeout: Duration::from_secs(600),
        linger: Duration::from_millis(100),
        max_multiplexing: 1,
        manual_checks: ManualChecks::Made { health_path: HealthPath::new("/health") },
        trusted_proxies: Vec::new(),
        tls: None,
        retries: Retries::default(),
        endpoints: Vec::new(),
        access_log: false,
        server_timing: false,
        tracer: RequestTracer::default(),
        origins: Origins::default(),
    }
}

impl Rig {
    pub(in crate::proxy) async fn new() -> Self {
        Self::with(limits()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        Self::with_threads(limits, 0).await
    }

    /// A host that serves clients with this many threads beside the current one.
    pub(super) async fn with_threads(limits: Limits, count: usize) -> Self {
        let runtime = || runtime::Builder::new_current_thread().enable_all().build();
        let threads = ServingThreads::start(count, runtime).unwrap();
        let runtimes = threads.runtimes().to_vec();
        let asked = Arc::new(Notify::new());
        let (events, reports) = mpsc::unbounded_channel();
        let balancer = Balancer::new(limits, Reports { asked: Arc::clone(&asked), events });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&balancer);
        let server = async move { serve(listener, serving, &runtimes, async { drop(stopped.await) }).await };
        Self {
            balancer,
            asked,
            server: Some(tokio::spawn(server)),
            reports,
            stop: Some(stop),
            address,
            directory: tempfile::tempdir().unwrap(),
            runners: 0,
            _threads: threads,
        }
    }

    /// A client that has connected.
    pub(super) async fn client(&self) -> Peer<TcpStream> {
        Peer::new(within(TcpStream::connect(self.address)).await.unwrap())
    }

    /// The host's end of a client connection that no server serves.
    pub(in crate::proxy) async fn unserved_client(&self) -> Arc<Client> {
        self.unserved_client_of(Thread::default()).await
    }

    /// The same, of this thread.
    pub(super) async fn unserved_client_of(&self, thread: Thread) -> Arc<Client> {
        let stream = within(TcpStream::connect(self.address)).await.unwrap();
        let peer = stream.peer_addr().unwrap().ip();
        let clock = TickClock::for_limit(None);
        let limits = ClientLimits::new(&clock, Duration::from_secs(60), None);
        Arc::new(Client::new(stream, thread, Sender::new(peer, Scheme::Http, Trust::No), clock, limits))
    }

    /// The session of a client that no server serves.
    #[cfg(feature = "http2")]
    pub(in crate::proxy) async fn unserved_session(&self) -> Arc<Session> {
        Session::new(Arc::clone(&self.balancer), self.unserved_client().await)
    }

    /// A client that has sent a request without a body.
    pub(super) async fn get(&self, path: &str) -> Peer<TcpStream> {
        let mut client = self.client().await;
        client.get(path).await;
        client
    }

    /// A client that has sent a request without a body, and the connection on which the runner has received it.
    pub(super) async fn request(
        &self,
        path: &str,
        runner: &FakeRunner,
    ) -> (Peer<TcpStream>, Peer<UnixStream>) {
        let client = self.get(path).await;
        let mut connection = runner.accept().await;
        connection.message().await;
        (client, connection)
    }

    /// The runner that was made last.
    pub(super) fn last_runner(&self) -> RunnerId {
        RunnerId::new(self.runners)
    }

    /// A runner that listens and is in service.
    pub(super) fn runner(&mut self) -> FakeRunner {
        let runner = self.listening();
        self.balancer.add(runner.id, Address::Unix(runner.path.clone()));
        runner
    }

    /// A runner that listens.
    pub(super) fn listening(&mut self) -> FakeRunner {
        self.with_backlog(64)
    }

    /// A runner that listens, and lets `backlog` connections wait in addition to the one that always may.
    pub(super) fn with_backlog(&mut self, backlog: u32) -> FakeRunner {
        let (id, path) = self.name();
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        FakeRunner { id, path, listener: socket.listen(backlog).unwrap() }
    }

    /// A runner that is in service and does not listen.
    pub(super) fn deaf(&mut self) -> RunnerId {
        let (id, path) = self.name();
        self.balancer.add(id, Address::Unix(path));
        id
    }

    /// What the data plane says next.
    pub(super) async fn report(&mut self) -> Report {
        within(self.reports.recv()).await.unwrap()
    }

    /// Waits for the report of an unreachable runner, and returns what it says.
    pub(super) async fn unreachable(&mut self) -> (RunnerId, String) {
        match self.report().await {
            Report::Unreachable(id, refused) => (id, refused),
            other => panic!("{other:?}"),
        }
    }

    /// Whether the data plane has sent no further report.
    pub(super) fn has_no_report(&mut self) -> bool {
        self.next_report().is_none()
    }

    /// What the data plane has said next, if it has.
    pub(super) fn next_report(&mut self) -> Option<Report> {
        self.reports.try_recv().ok()
    }

    /// Closes the listener, and asks the clients' connections to end.
    pub(super) fn stop_server(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until every client connection has ended.
    pub(super) async fn server_ended(&mut self) {
        within(self.server.take().unwrap()).await.unwrap();
    }

    fn name(&mut self) -> (RunnerId, PathBuf) {
        self.runners += 1;
        (RunnerId::new(self.runners), self.directory.path().join(self.runners.to_string()))
    }
}

/// A runner that does what the test writes.
#[derive(Debug)]
pub(super) struct FakeRunner {
    pub(super) id: RunnerId,
    path: PathBuf,
    listener: UnixListener,
}

impl FakeRunner {
    pub(super) fn address(&self) -> Address {
        Address::Unix(self.path.clone())
    }

    /// A connection of another client.
    pub(super) fn connect(&self) -> std::os::unix::net::UnixStream {
        std::os::unix::net::UnixStream::connect(&self.path).unwrap()
    }

    /// The next connection that the host opens.
    pub(super) async fn accept(&self) -> Peer<UnixStream> {
        Peer::new(within(self.stream()).await)
    }

    /// The next connection that the host opens, if it ever does.
    pub(super) async fn stream(&self) -> UnixStream {
        self.listener.accept().await.unwrap().0
    }
}
