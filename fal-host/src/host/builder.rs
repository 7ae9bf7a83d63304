use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fal_health::{DEFAULT_INTERVAL, HealthCheckSpec, effective_start_period};
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin};
use crate::driver::{Driver, Order, Parts};
use crate::events::{self, Event, EventStream};
use crate::fleet::{FleetSettings, Replacement};
use crate::launch::{Launch, LaunchError, ProcessLauncher};
use crate::open_files::OpenFiles;
use crate::probe::{BadCall, Call, OnStall};
use crate::proxy::{self, Balancer, Limits, ManualChecks, Origins, Reports};
use crate::snapshot::Snapshot;

/// What a host has to know of the app that its runners run.
#[derive(Clone, Debug)]
pub struct AppSpec {
    /// The app's name, for people.
    pub name: String,
    /// How its runners are checked; none: they are replaced only when they exit.
    pub health_check: Option<HealthCheckSpec>,
    /// How long a start may take, as the app declares it. It also raises the start period (S8). Where it is not
    /// declared, a start may take 600 s and nothing is raised.
    pub startup_timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL (S33). The default of the runtime is 5 s.
    pub termination_grace_period: Duration,
    /// How many requests a runner serves at a time (S38). The default of the runtime is 1.
    pub max_multiplexing: NonZeroU32,
    /// How long a request may take from when it is sent to its runner until the head of the response: what it waited
    /// in the queue does not count, nor what the body of the response takes. The body of the request does, where the
    /// runner answers only after it. The request ends with 504 `request_timeout`, at most an eighth of the limit or 2 s
    /// late, whichever is less (2 ms at least), and its runner gets a manual check, since it may be wedged; its slot is
    /// kept until the runner closes that connection (S38). Default: no limit.
    pub request_timeout: Option<Duration>,
    /// The origins of web pages that may call the app from a browser: `https://app.example.com`, or `*` for every page's.
    /// They can read the errors of the host itself, and the host answers their preflights, for every path alike and
    /// without a runner: any method and any headers, with cookies where origins are named, for 10 minutes. What runners
    /// answer otherwise is theirs to say. Default: none, and then preflights are requests as others are.
    pub origins: Vec<String>,
}

impl AppSpec {
    /// An app without a health check, and the defaults otherwise.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            health_check: None,
            startup_timeout: None,
            termination_grace_period: Duration::from_secs(5),
            max_multiplexing: NonZeroU32::MIN,
            request_timeout: None,
            origins: Vec::new(),
        }
    }

    /// The start period that counts (S8); none without a health check.
    pub fn effective_start_period(&self) -> Option<Duration> {
        self.health_check.as_ref().map(|spec| effective_start_period(&spec.config, self.startup_timeout))
    }
}

/// Starts runners of an app, sends them requests, checks them, and replaces them.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_host::{AppSpec, Host};
///
/// let app = AppSpec::new("my-app");
/// let host = Host::builder(app, std::process::Command::new("my-runner")).start().await?;
/// println!("serving on http://{}", host.address());
/// host.stopped().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Host;

impl Host {
    /// A host whose runners are processes of this command. It must speak the protocol of runners, as every program
    /// does that calls `fal_runtime::main()` or `fal_runtime::as_runner()`.
    pub fn builder(app: AppSpec, command: Command) -> HostBuilder {
        HostBuilder {
            app,
            runners: Runners::Processes(command),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: None,
            count: NonZeroUsize::MIN,
            check_interval: DEFAULT_INTERVAL,
            queue: 1024,
            queue_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
            replacement: Replacement::default(),
            max_replacing: MaxReplacing::Third,
            on_stall: OnStall::default(),
            events: broadcast::channel(events::BACKLOG).0,
        }
    }

    /// A host whose runners are started in a way of one's own.
    pub fn with_launcher(app: AppSpec, launcher: impl Launch) -> HostBuilder {
        let builder = Self::builder(app, Command::new(""));
        HostBuilder { runners: Runners::Launched(Box::new(launcher)), ..builder }
    }

    /// The command that runs this very program again: for a `main` that is host and runner in one.
    pub fn this_program() -> io::Result<Command> {
        crate::launch::this_program()
    }
}

enum Runners {
    Processes(Command),
    Launched(Box<dyn Launch>),
}

impl fmt::Debug for Runners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processes(command) => command.fmt(f),
            Self::Launched(_) => f.write_str("Launch"),
        }
    }
}

/// The settings of a host that has not been started.
#[derive(Debug)]
#[must_use = "a host does nothing until it is started"]
pub struct HostBuilder {
    app: AppSpec,
    runners: Runners,
    listen: SocketAddr,
    admin: Option<SocketAddr>,
    count: NonZeroUsize,
    check_interval: Duration,
    queue: usize,
    queue_timeout: Duration,
    drain_timeout: Duration,
    replacement: Replacement,
    max_replacing: MaxReplacing,
    on_stall: OnStall,
    events: broadcast::Sender<Event>,
}

impl HostBuilder {
    /// Where it takes requests. Default: a port on 127.0.0.1 that the system picks.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Where it shows its state, and whether it does. Default: nowhere.
    pub fn admin(mut self, address: Option<SocketAddr>) -> Self {
        self.admin = address;
        self
    }

    /// How many runners there are. Default: 1.
    pub fn runners(mut self, count: NonZeroUsize) -> Self {
        self.count = count;
        self
    }

    /// The distance between two periodic checks of a runner (S15). Default: 15 s.
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval;
        self
    }

    /// How many requests may wait for a runner; a further one is answered `queue_full` (S38). Default: 1,024.
    pub fn queue(mut self, requests: usize) -> Self {
        self.queue = requests;
        self
    }

    /// How long a request may wait for a runner until it is answered `queue_timeout` (S38). Default: 60 s.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = timeout;
        self
    }

    /// How long requests in flight may take when a runner ends by plan, before it is told to stop (S33). Default:
    /// 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Whether a replacement runs beside the runner that it replaces (S35). Default: it does.
    pub fn replacement(mut self, replacement: Replacement) -> Self {
        self.replacement = replacement;
        self
    }

    /// How many runners may be replaced at a time because periodic checks failed (S40). Others that are found unhealthy
    /// wait, and keep their requests, so that a dependency that all runners share takes down a part of them only.
    /// Default: a third of the runners, at least one. Failed manual checks and exits never wait.
    pub fn max_replacing(mut self, runners: NonZeroUsize) -> Self {
        self.max_replacing = MaxReplacing::Bound(runners);
        self
    }

    /// Every runner that is found unhealthy is replaced at once, even if that is all of them (S40).
    pub fn strict(mut self) -> Self {
        self.max_replacing = MaxReplacing::Unbounded;
        self
    }

    /// What a check is that passes while the runtime that serves the runner's requests stands still. Default: a pass,
    /// and an event.
    pub fn on_stall(mut self, on_stall: OnStall) -> Self {
        self.on_stall = on_stall;
        self
    }

    /// What will happen, from the first runner's start on.
    pub fn events(&self) -> EventStream {
        EventStream { receiver: self.events.subscribe(), missed: 0 }
    }

    /// Binds the listeners and starts the runners. Requests are taken from this moment on; they wait until a runner
    /// is ready.
    ///
    /// Must be called inside a multi-threaded or current-thread Tokio runtime with I/O and time enabled; requests are
    /// forwarded on that runtime. Runners are started and checked on a thread of the host's own, so that no load of
    /// requests delays a check.
    pub async fn start(self) -> Result<HostHandle, StartError> {
        let call = self.app.health_check.as_ref().map(|spec| Call::new(spec, self.on_stall)).transpose()?;
        let listener = listen(Listener::Requests, self.listen).await?;
        let address =
            listener.local_addr().map_err(|source| bind_error(Listener::Requests, self.listen, source))?;
        let admin = match self.admin {
            None => None,
            Some(address) => Some(listen(Listener::Admin, address).await?),
        };
        let admin_address = admin.as_ref().and_then(|listener| listener.local_addr().ok());
        let grace_period = self.app.termination_grace_period;
        let launcher = match self.runners {
            Runners::Launched(launcher) => launcher,
            Runners::Processes(command) => Box::new(ProcessLauncher::new(command, grace_period)?),
        };

        let (orders, order_queue) = mpsc::unbounded_channel();
        let (reports, report_queue) = mpsc::unbounded_channel();
        let asked = Arc::new(Notify::new());
        let files = OpenFiles::of(self.count, self.app.max_multiplexing);
        warn_of_too_few_open_files(files, self.queue, self.count, self.app.max_multiplexing);
        let limits = Limits {
            clients: files.clients(),
            queue: self.queue,
            queue_timeout: self.queue_timeout,
            request_timeout: self.app.request_timeout,
            max_multiplexing: self.app.max_multiplexing.get(),
            manual_checks: match &self.app.health_check {
                Some(spec) => ManualChecks::Made { health_path: spec.path.clone().into_owned() },
                None => ManualChecks::Ignored,
            },
            origins: Origins::new(&self.app.origins),
        };
        let balancer = Balancer::new(limits, Reports { asked: Arc::clone(&asked), events: reports });
        let settings = FleetSettings {
            health: self.app.health_check.as_ref().map(|spec| spec.config),
            startup_timeout: self.app.startup_timeout,
            grace_period,
            drain_timeout: self.drain_timeout,
            check_interval: self.check_interval,
            replacement: self.replacement,
            max_replacing: self.max_replacing.of(self.count),
            seed: seed(),
            ..FleetSettings::new(self.count)
        };
        let (serving, mut stopping) = watch::channel(Serving::On);
        let served = tokio::spawn(proxy::serve(listener, Arc::clone(&balancer), async move {
            // Its sender's end would be an order to stop too.
            let _ = stopping.changed().await;
        }));
        let parts = Parts {
            settings,
            call,
            launcher,
            balancer: Arc::clone(&balancer),
            asked,
            reports: report_queue,
            orders: order_queue,
            events: self.events.clone(),
        };
        let admin =
            admin.map(|listener| (listener, Admin { app: self.app.name, orders: orders.downgrade() }));
        let ended = control_thread(parts, admin)?;
        let (over, stopped) = watch::channel(());
        tokio::spawn(finish(ended, serving.clone(), served, self.drain_timeout, over));
        Ok(HostHandle { address, admin_address, orders, events: self.events, balancer, serving, stopped })
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum MaxReplacing {
    Third,
    Bound(NonZeroUsize),
    Unbounded,
}

impl MaxReplacing {
    pub(crate) fn of(self, runners: NonZeroUsize) -> Option<NonZeroUsize> {
        match self {
            Self::Third => Some(NonZeroUsize::new(runners.get() / 3).unwrap_or(NonZeroUsize::MIN)),
            Self::Bound(bound) => Some(bound),
            Self::Unbounded => None,
        }
    }
}

/// Says what to do where fewer clients may be connected than there are places for their requests. Further ones wait to
/// be accepted, where no `queue_timeout` reaches them.
fn warn_of_too_few_open_files(files: OpenFiles, queue: usize, runners: NonZeroUsize, slots: NonZeroU32) {
    let slots = usize::try_from(slots.get()).unwrap_or(usize::MAX).saturating_mul(runners.get());
    if let Some(needed) = files.too_few_for(queue.saturating_add(slots)) {
        tracing::warn!(
            clients = files.clients(),
            "the limit on open files is too low for as many clients as runners and queue have places for, and further \
             ones wait to be accepted: start this program with a limit of {needed} (`ulimit -n {needed}`; in a unit of \
             systemd `LimitNOFILE={needed}`), or with a shorter queue"
        );
    }
}

/// Two hosts that start together should not back off alike.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

async fn listen(what: Listener, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| bind_error(what, address, source))
}

fn bind_error(what: Listener, address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { what, address, source }
}

/// Starts the thread on which runners are started, checked and replaced, and the admin interface answers.
fn control_thread(
    parts: Parts,
    admin: Option<(TcpListener, Admin)>,
) -> Result<oneshot::Receiver<()>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::ControlThread)?;
    let admin = match admin {
        None => None,
        // It moves to the control thread's own reactor.
        Some((listener, admin)) => Some((listener.into_std().map_err(StartError::ControlThread)?, admin)),
    };
    let (over, ended) = oneshot::channel();
    let run = async move {
        if let Some((listener, admin)) = admin {
            match TcpListener::from_std(listener) {
                Ok(listener) => {
                    tokio::spawn(axum::serve(listener, admin::router(admin)).into_future());
                }
                Err(error) => tracing::error!(%error, "the admin interface cannot be served"),
            }
        }
        Driver::run(parts).await;
    };
    std::thread::Builder::new()
        .name("fal-host".to_owned())
        .spawn(move || {
            runtime.block_on(run);
            // The receiver learns of the end by this sender's own, after a panic too.
            drop(over);
        })
        .map_err(StartError::ControlThread)?;
    Ok(ended)
}

/// What a host listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listener {
    /// Requests, which it sends on to its runners.
    Requests,
    /// Questions about its own state.
    Admin,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Admin => "the admin interface",
        })
    }
}

/// Why a host could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on: it is taken, or not this machine's.
    #[error("cannot listen on {address} for {what}")]
    Listen {
        /// What it was for.
        what: Listener,
        /// Which one.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The health check's method or path is none.
    #[error(transparent)]
    HealthCheck(#[from] BadHealthCheck),
    /// Runners cannot be started at all.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The thread that watches over the runners cannot be started.
    #[error("the control thread cannot be started")]
    ControlThread(#[source] io::Error),
}

/// A health check that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadHealthCheck(BadCall);

impl From<BadCall> for StartError {
    fn from(bad: BadCall) -> Self {
        Self::HealthCheck(BadHealthCheck(bad))
    }
}

/// A running host. Dropping it kills the runners; [`shutdown`](Self::shutdown) ends them with their requests.
#[derive(Debug)]
pub struct HostHandle {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    orders: mpsc::UnboundedSender<Order>,
    events: broadcast::Sender<Event>,
    balancer: Arc<Balancer>,
    serving: watch::Sender<Serving>,
    stopped: watch::Receiver<()>,
}

impl HostHandle {
    /// Where it takes requests: the real port, where the system picked one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it shows its state.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Its runners, and the last ones that ended; none once the host has ended.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::Snapshot(reply)).ok()?;
        answer.await.ok()
    }

    /// What happens from now on.
    pub fn events(&self) -> EventStream {
        EventStream { receiver: self.events.subscribe(), missed: 0 }
    }

    /// Replaces every runner, one after another, without losing a request: each is drained when its successor takes
    /// requests. A successor that fails to start ends it, and the runners that are left stay. Returns at once.
    pub fn restart(&self) {
        let _ = self.orders.send(Order::Restart);
    }

    /// Starts to stop, as at SIGTERM (S41): no new requests and no new runners; waiting requests are refused, those in
    /// flight finish. Returns at once; [`stopped`](Self::stopped) waits.
    pub fn shutdown(&self) {
        self.balancer.stop();
        self.serving.send_modify(|serving| *serving = (*serving).max(Serving::Stopping));
        // It is over already, where nobody listens.
        let _ = self.orders.send(Order::Stop);
    }

    /// Kills every runner with all that it has started, as at a second signal, and waits for no client (S41). Returns at
    /// once.
    pub fn kill(&self) {
        self.balancer.stop();
        self.serving.send_replace(Serving::CutOff);
        let _ = self.orders.send(Order::Kill);
    }

    /// Waits until no runner is left and the last response has been sent. Cancel safe, and may be called again.
    pub async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // Nothing is ever sent: the sender's end is what is waited for.
        while stopped.changed().await.is_ok() {}
    }
}

/// What becomes of the host's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Serving {
    On,
    /// Each is let go after the request that it is at.
    Stopping,
    /// None is waited for.
    CutOff,
}

/// How long the answers of a host that is killed may take to be written: they are the host's own, and short.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// Waits for the last runner, and then for the last response, whose rest comes from this process: a client that is slow
/// to read it is given as long as a request, unless the host is killed.
async fn finish(
    ended: oneshot::Receiver<()>,
    serving: watch::Sender<Serving>,
    mut served: JoinHandle<()>,
    drain_timeout: Duration,
    over: watch::Sender<()>,
) {
    // An error is the sender's end, which is what is waited for.
    let _ = ended.await;
    serving.send_modify(|serving| *serving = (*serving).max(Serving::Stopping));
    let mut changes = serving.subscribe();
    let killed = async {
        // The sender is here, so it does not end.
        let _ = changes.wait_for(|serving| *serving == Serving::CutOff).await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        _ = &mut served => {}
        () = tokio::time::sleep(drain_timeout) => {}
        () = killed => {}
    }
    served.abort();
    drop(over);
}
