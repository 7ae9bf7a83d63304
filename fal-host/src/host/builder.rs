//! The settings of a host that has not been started.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fal_health::DEFAULT_INTERVAL;
use tokio::runtime::Handle;
use tokio::sync::broadcast;
#[cfg(feature = "cli")]
use tokio::sync::mpsc;

use super::error::ListenerKind;
use super::spec::AppSpec;
use crate::admin::AdminToken;
use crate::control_socket::SocketAccess;
use crate::events::{self, Event, EventStream};
use crate::fleet::{
    Admission, DEFAULT_START_CHECK_INTERVAL, GiveUp, MaxReplacing, OnStall, ReplacementStrategy, RunnerLimits,
};
use crate::launch::Launcher;
#[cfg(feature = "tls")]
use crate::proxy::TlsFiles;
use crate::proxy::{AddressRange, CLIENT_TIMEOUT, MAX_HEAD, RequestTracer};
#[cfg(feature = "cli")]
use crate::upgrade::UpgradeRequest;

/// Starts the runners of an app, forwards requests to them, checks them, and replaces them.
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
    /// A host that starts each runner as a process of this command.
    ///
    /// The program must speak the runner protocol, as every program does that calls `fal_runtime::main()` or
    /// `fal_runtime::as_runner()`.
    pub fn builder(app: AppSpec, command: Command) -> HostBuilder {
        HostBuilder::new(app, RunnerSource::Command(command))
    }

    /// A host that starts its runners with this launcher.
    pub fn with_launcher(app: AppSpec, launcher: impl Launcher) -> HostBuilder {
        HostBuilder::new(app, RunnerSource::Launcher(Box::new(launcher)))
    }

    /// The command that runs the current program again, for a `main` that is both host and runner.
    ///
    /// # Errors
    ///
    /// When the system does not tell the path of the current program.
    pub fn this_program() -> io::Result<Command> {
        crate::launch::this_program()
    }
}

/// How the host starts its runners.
pub(super) enum RunnerSource {
    Command(Command),
    Launcher(Box<dyn Launcher>),
}

impl fmt::Debug for RunnerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => command.fmt(f),
            Self::Launcher(_) => f.write_str("Launcher"),
        }
    }
}

/// The settings of a host that has not been started.
#[derive(Debug)]
#[must_use = "a host does nothing until it is started"]
pub struct HostBuilder {
    pub(crate) app: AppSpec,
    pub(super) source: RunnerSource,
    pub(super) listen: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) probes: Option<SocketAddr>,
    pub(super) admin_token: Option<AdminToken>,
    pub(super) control_socket: Option<PathBuf>,
    pub(super) control_socket_access: SocketAccess,
    pub(super) inherited: Vec<(ListenerKind, TcpListener)>,
    pub(super) count: NonZeroUsize,
    pub(super) spares: usize,
    pub(super) env_each: Vec<(OsString, String)>,
    pub(super) check_interval: Duration,
    pub(super) admission: Admission,
    pub(super) start_check_interval: Duration,
    pub(super) confirm_interval: Option<Duration>,
    pub(super) queue: usize,
    pub(super) queue_timeout: Duration,
    pub(super) client_timeout: Duration,
    pub(super) trusted_proxies: Vec<AddressRange>,
    pub(super) max_head_size: usize,
    pub(super) access_log: bool,
    pub(super) server_timing: bool,
    pub(super) tracer: RequestTracer,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsFiles>,
    pub(super) drain_timeout: Duration,
    pub(super) replacement_strategy: ReplacementStrategy,
    pub(super) min_healthy: Duration,
    pub(super) max_replacing: MaxReplacing,
    pub(super) on_stall: OnStall,
    pub(super) wedged_after: Option<Duration>,
    pub(super) limits: RunnerLimits,
    pub(super) give_up: GiveUp,
    /// Whether another host serves until the doors are opened.
    pub(super) held: bool,
    #[cfg(feature = "cli")]
    pub(super) upgrades: Option<mpsc::UnboundedSender<UpgradeRequest>>,
    /// As JSON.
    pub(super) settings: Option<String>,
    /// Further runtimes that serve clients.
    pub(super) serving: Vec<Handle>,
    pub(super) events: broadcast::Sender<Event>,
}

impl HostBuilder {
    fn new(app: AppSpec, source: RunnerSource) -> Self {
        Self {
            app,
            source,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: None,
            probes: None,
            admin_token: None,
            control_socket: None,
            control_socket_access: SocketAccess::default(),
            inherited: Vec::new(),
            count: NonZeroUsize::MIN,
            spares: 0,
            env_each: Vec::new(),
            check_interval: DEFAULT_INTERVAL,
            admission: Admission::default(),
            start_check_interval: DEFAULT_START_CHECK_INTERVAL,
            confirm_interval: None,
            queue: 1024,
            queue_timeout: Duration::from_secs(60),
            client_timeout: CLIENT_TIMEOUT,
            trusted_proxies: Vec::new(),
            max_head_size: MAX_HEAD,
            access_log: false,
            server_timing: false,
            tracer: RequestTracer::default(),
            #[cfg(feature = "tls")]
            tls: None,
            drain_timeout: Duration::from_secs(30),
            replacement_strategy: ReplacementStrategy::default(),
            min_healthy: Duration::ZERO,
            max_replacing: MaxReplacing::Third,
            on_stall: OnStall::default(),
            wedged_after: None,
            limits: RunnerLimits::default(),
            give_up: GiveUp::default(),
            held: false,
            #[cfg(feature = "cli")]
            upgrades: None,
            settings: None,
            serving: Vec::new(),
            events: broadcast::channel(events::CAPACITY).0,
        }
    }

    /// The address on which the host takes requests. Default: a port on 127.0.0.1 that the system chooses.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// The address of the admin interface, which only shows, unless there is an [`admin_token`](Self::admin_token)
    /// ([S88](fal_health::semantics#s88)). Default: `None`, no admin interface.
    pub fn admin(mut self, address: Option<SocketAddr>) -> Self {
        self.admin = address;
        self
    }

    /// The token with which clients of the admin interface may change the host over TCP
    /// ([S88b](fal_health::semantics#s88b)). Default: `None`, TCP is read only.
    pub fn admin_token(mut self, token: impl Into<Option<AdminToken>>) -> Self {
        self.admin_token = token.into();
        self
    }

    /// The address of the probes: `GET /livez`, `/healthz` and `/readyz`, and nothing else
    /// ([S67](fal_health::semantics#s67)). Other machines may reach it. Default: `None`, no probes.
    pub fn probes(mut self, address: Option<SocketAddr>) -> Self {
        self.probes = address;
        self
    }

    /// Uses a socket that listens already, instead of binding the address that is set for it. A service manager passes such
    /// sockets ([S69b](fal_health::semantics#s69b)).
    pub fn inherit(mut self, listener: ListenerKind, socket: TcpListener) -> Self {
        self.inherited.push((listener, socket));
        self
    }

    /// How many runners the host keeps. [`HostHandle::scale`](crate::HostHandle::scale) changes it later. Default: 1.
    pub fn runners(mut self, count: NonZeroUsize) -> Self {
        self.count = count;
        self
    }

    /// How many further runners the host keeps ready, so that one takes the place of a runner that ends
    /// ([S75](fal_health::semantics#s75)). A spare is checked and takes no requests. Default: 0.
    pub fn spares(mut self, count: usize) -> Self {
        self.spares = count;
        self
    }

    /// Sets an environment variable of every runner. In its value, `{index}` stands for the runner's index
    /// ([S47c](fal_health::semantics#s47c)). Has no effect with [`Host::with_launcher`].
    pub fn env_each(mut self, name: impl Into<OsString>, value: impl Into<String>) -> Self {
        self.env_each.push((name.into(), value.into()));
        self
    }

    /// The time between two periodic checks of a runner ([S15](fal_health::semantics#s15)). Default: 15 s.
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval;
        self
    }

    /// When a runner enters the rotation, in an app with periodic checks ([S44](fal_health::semantics#s44)).
    /// Default: [`FirstPass`](Admission::FirstPass).
    pub fn admission(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// The time from the outcome of a check to the next check, until the runner's first pass
    /// ([S44a](fal_health::semantics#s44a)). At least 1 ms. Default: 1 s.
    pub fn start_check_interval(mut self, interval: Duration) -> Self {
        self.start_check_interval = interval;
        self
    }

    /// The time from the outcome of a counted failure to the next periodic check
    /// ([S55](fal_health::semantics#s55)). At least 1 ms, at most the check interval. Default: `None`, the usual times.
    pub fn confirm_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.confirm_interval = interval.into();
        self
    }

    /// How many requests may wait for a runner. The host answers a further one with 503 `queue_full`
    /// ([S38](fal_health::semantics#s38)). Default: 1,024.
    pub fn queue(mut self, requests: usize) -> Self {
        self.queue = requests;
        self
    }

    /// How long a request may wait for a runner. Then the host answers it with 504 `queue_timeout`
    /// ([S38](fal_health::semantics#s38)). Default: 60 s.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = timeout;
        self
    }

    /// How long a client may stop sending its request's body, or reading its response
    /// ([S43](fal_health::semantics#s43)). Default: 60 s.
    ///
    /// Only time in which the host waits for the client counts. In each such period the client must transfer at least
    /// 240 bytes a second on average, or end its body. Otherwise it gets 408 `client_timeout`, or loses its connection if
    /// its response has begun. No runner is checked or blamed for it.
    pub fn client_timeout(mut self, timeout: Duration) -> Self {
        self.client_timeout = timeout;
        self
    }

    /// The proxies in front of the host whose `x-forwarded-*`, `forwarded` and `x-real-ip` it keeps and
    /// appends to ([S45](fal_health::semantics#s45)). Those of other clients are replaced. Clients behind these proxies share
    /// the permits by their own addresses ([S38](fal_health::semantics#s38)). Default: none.
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = AddressRange>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// How large the head of a request may be, in bytes: its request line and fields. A larger one gets 431. Default:
    /// 32 KiB. At least 8 KiB are allowed.
    pub fn max_head_size(mut self, bytes: usize) -> Self {
        self.max_head_size = bytes;
        self
    }

    /// Logs a line for each request, with the target `fal_host::access` ([S83b](fal_health::semantics#s83b)). Default: no
    /// access log.
    pub fn access_log(mut self) -> Self {
        self.access_log = true;
        self
    }

    /// Adds `server-timing` to every response: how long its request waited, and how long its runner took
    /// ([S83e](fal_health::semantics#s83e)). Default: without.
    pub fn server_timing(mut self) -> Self {
        self.server_timing = true;
        self
    }

    /// Serves TLS with a certificate chain and its key, both PEM files ([S50](fal_health::semantics#s50)). Default: no TLS.
    ///
    /// [`HostHandle::reload_tls`](crate::HostHandle::reload_tls) loads the files again.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls = Some(TlsFiles { certificate: certificate.into(), key: key.into() });
        self
    }

    /// The events of the host, from the start of the first runner on.
    pub fn events(&self) -> EventStream {
        EventStream::new(&self.events)
    }

    /// The effective settings as JSON, which the admin interface shows.
    #[cfg(feature = "cli")]
    pub(crate) fn settings(mut self, json: &str) -> Self {
        self.settings = (!json.is_empty()).then(|| json.to_owned());
        self
    }
}
