//! Starts a host: its listeners, its control thread, and the task that waits for its end.

use std::ffi::OsString;
use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::admin_thread::{AdminThread, AdminThreadGuard, ControlSocket, Interfaces};
use super::builder::{HostBuilder, RunnerSource};
use super::doors::Doors;
use super::error::StartError;
use super::handle::HostHandle;
use super::listeners::{Listeners, SharedSockets};
use super::spec::AppSpec;
use crate::admin::{self, Access, Admin, StdListener, probes as probe_pages};
use crate::client_policy::ClientPolicy;
use crate::control_socket::{self, SocketAccess};
use crate::driver::{Driver, DriverParts, LaunchThread};
use crate::event_log::EventLog;
use crate::fleet::FleetSettings;
use crate::launch::{Launcher, ProcessLauncher};
use crate::open_files::OpenFiles;
use crate::own_runtime;
use crate::probe::ProbeTarget;
#[cfg(feature = "tls")]
use crate::proxy::Tls;
use crate::proxy::{self, Balancer, HealthPath, Limits, ManualChecks, Origins, Reports, Retries};
use crate::threads;

impl HostBuilder {
    /// Binds the listeners and starts the runners. The host takes requests from this moment on; they wait until a
    /// runner is ready.
    ///
    /// Call it inside a Tokio runtime of either flavor with I/O and time enabled: the host forwards requests on that
    /// runtime. It starts and checks runners on a thread of its own, so that request load delays no check.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(self) -> Result<HostHandle, StartError> {
        let settings = self.fleet_settings();
        let health_check = self.app.health_check.as_ref();
        let target = |spec| ProbeTarget::new(spec)?.with_headers(&self.app.health_headers);
        let probe_target = health_check.map(target).transpose()?;
        #[cfg(feature = "tls")]
        let tls = self.tls.map(Tls::load).transpose()?.map(Arc::new);
        #[cfg(not(feature = "tls"))]
        let tls = None;
        let listeners = Listeners::bind(self.listen, self.admin, self.probes, self.inherited).await?;
        let addresses = listeners.addresses();
        let sockets = Arc::new(listeners.duplicate().map_err(StartError::ControlThread)?);
        let shared_sockets = Arc::downgrade(&sockets);
        let Listeners { requests: listener, admin: admin_listener, probes: probes_listener, .. } = listeners;
        let shown = self.settings.map(|json| addresses.add_to(&json, self.control_socket.as_deref()));
        let socket = match self.control_socket {
            Some(path) if !self.held => Some(listen_for_operators(path, self.control_socket_access).await?),
            later => later.map(|path| ControlSocket::Later(path, self.control_socket_access)),
        };
        let launcher = launcher_of(self.source, &self.app, self.env_each)?;
        let (requests, request_queue) = mpsc::unbounded_channel();
        let (reports, report_queue) = mpsc::unbounded_channel();
        let asked = Arc::new(Notify::new());
        let files = OpenFiles::of(self.count.saturating_add(self.spares), self.app.max_multiplexing);
        warn_of_low_file_limit(files, self.queue, self.count, self.app.max_multiplexing);
        let limits = Limits {
            clients: files.clients(),
            max_head: self.max_head_size,
            queue: self.queue,
            queue_timeout: self.queue_timeout,
            request_timeout: self.app.request_timeout,
            wedged_after: self.wedged_after,
            client_timeout: self.client_timeout,
            linger: (self.drain_timeout / 4).min(MAX_LINGER),
            max_multiplexing: self.app.max_multiplexing.get(),
            manual_checks: match health_check {
                Some(spec) => ManualChecks::Made { health_path: HealthPath::new(&spec.path) },
                None => ManualChecks::Ignored,
            },
            trusted_proxies: self.trusted_proxies,
            tls,
            retries: retries_of(&self.app),
            endpoints: self.app.endpoints,
            access_log: self.access_log,
            server_timing: self.server_timing,
            tracer: self.tracer,
            origins: Origins::new(&self.app.origins),
        };
        let balancer = Balancer::new(limits, Reports { asked: Arc::clone(&asked), events: reports });
        let initial = if self.held { ClientPolicy::Hold } else { ClientPolicy::Serve };
        let (client_policy, policy) = watch::channel(initial);
        let (serving, clients_left) = watch::channel(());
        let clients =
            serve_clients(listener, Arc::clone(&balancer), self.serving, (initial, policy), sockets);
        let server = tokio::spawn(clients.map(|()| drop(serving)));
        let gave_up = Arc::default();
        let event_log = EventLog::new();
        let parts = DriverParts {
            settings,
            probe_target,
            balancer: Arc::clone(&balancer),
            asked,
            reports: report_queue,
            requests: request_queue,
            events: self.events.clone(),
            event_log: Arc::clone(&event_log),
            client_policy: client_policy.clone(),
            gave_up: Arc::clone(&gave_up),
        };
        let admin =
            Admin::new(self.app.name, &requests, Arc::clone(&balancer), &self.events, Arc::clone(&event_log));
        #[cfg(feature = "cli")]
        let admin = admin.with_upgrades(self.upgrades);
        let admin = Admin { settings: shown.map(Into::into), ..admin };
        let access = Access::over_tcp(self.admin_token);
        let interfaces = interfaces(admin, (admin_listener, access), probes_listener, socket);
        let started = interfaces.and_then(|interfaces| AdminThread::start(interfaces, &client_policy));
        let (interfaces, [interfaces_open, interfaces_closed]) =
            started.map_err(StartError::ControlThread)?;
        let control_ended = start_control_thread(parts, launcher, interfaces)?;
        let ((end, stopped), policy) = (watch::channel(()), client_policy.clone());
        tokio::spawn(finish(control_ended, policy, server, self.drain_timeout, end));
        let doors = Doors {
            client_policy,
            sockets: shared_sockets,
            interfaces_open,
            interfaces_closed,
            clients_left,
        };
        Ok(HostHandle {
            addresses,
            requests,
            events: self.events,
            balancer,
            doors,
            event_log,
            gave_up,
            stopped,
        })
    }
}

fn launcher_of(
    source: RunnerSource,
    app: &AppSpec,
    env_each: Vec<(OsString, String)>,
) -> Result<Box<dyn Launcher>, StartError> {
    match source {
        RunnerSource::Launcher(launcher) => Ok(launcher),
        RunnerSource::Command(command) => {
            let launcher = ProcessLauncher::new(command, app.termination_grace_period)?.titled(&app.name);
            let env_each = env_each.into_iter();
            Ok(Box::new(env_each.fold(launcher, |launcher, (name, value)| launcher.env_each(name, value))))
        }
    }
}

/// Serves clients as the policy says, and keeps the sockets open for another host while it accepts them.
async fn serve_clients(
    listener: TcpListener,
    balancer: Arc<Balancer>,
    serving: Vec<Handle>,
    (initial, mut policy): (ClientPolicy, watch::Receiver<ClientPolicy>),
    sockets: Arc<SharedSockets>,
) {
    if initial == ClientPolicy::Hold {
        let opened = policy.wait_for(|policy| *policy > ClientPolicy::Hold).await;
        if !opened.is_ok_and(|opened| *opened == ClientPolicy::Serve) {
            // The connections that wait there are for the host that still serves.
            return;
        }
    }
    let stop = async move {
        let _ = policy.wait_for(|policy| *policy > ClientPolicy::Serve).await;
        drop(sockets);
    };
    proxy::serve(listener, balancer, &serving, stop).await;
}

fn retries_of(app: &AppSpec) -> Retries {
    let endpoints = app.idempotent.iter().map(|(method, path)| (method.as_str(), path.as_str()));
    Retries::new(app.retry_idempotent, endpoints)
}

impl HostBuilder {
    fn fleet_settings(&self) -> FleetSettings {
        FleetSettings {
            health: self.app.health_check.as_ref().map(|spec| spec.config),
            startup_timeout: self.app.startup_timeout,
            grace_period: self.app.termination_grace_period,
            drain_timeout: self.drain_timeout,
            check_interval: self.check_interval,
            admission: self.admission,
            start_check_interval: self.start_check_interval,
            confirm_interval: self.confirm_interval,
            replacement_strategy: self.replacement_strategy,
            min_healthy: self.min_healthy,
            max_replacing: self.max_replacing,
            limits: self.limits,
            on_stall: self.on_stall,
            give_up: self.give_up,
            spares: self.spares,
            seed: random_seed(),
            ..FleetSettings::new(self.count)
        }
    }
}

/// Warns when the limit on open files allows fewer client connections than the runners and the queue have room for.
/// Further clients then wait to be accepted, where no `queue_timeout` applies.
fn warn_of_low_file_limit(files: OpenFiles, queue: usize, runners: NonZeroUsize, permits: NonZeroU32) {
    let permits = usize::try_from(permits.get()).unwrap_or(usize::MAX).saturating_mul(runners.get());
    if let Some(needed) = files.limit_for(queue.saturating_add(permits)) {
        tracing::warn!(
            clients = files.clients(),
            "the limit on open files is too low: the runners and the queue have room for more clients, which now wait \
             to be accepted; start this program with a limit of {needed} (`ulimit -n {needed}`, or \
             `LimitNOFILE={needed}` in a systemd unit), or with a shorter queue"
        );
    }
}

/// A seed for the backoff jitter, so that hosts that start together do not retry together.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// Listens on the control socket, on a thread of its own: it may wait for a lock.
async fn listen_for_operators(path: PathBuf, access: SocketAccess) -> Result<ControlSocket, StartError> {
    let (sender, listens) = oneshot::channel();
    let own = path.clone();
    let listen = move || drop(sender.send(control_socket::listen(&own, access)));
    let listens = match threads::spawn(thread::Builder::new().name("fal-host-socket".to_owned()), listen) {
        Ok(_) => listens.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())),
        // A system that has no thread for this has none for the next steps, whose errors say so.
        Err(_) => control_socket::listen(&path, access),
    };
    let (listener, file) = listens.map_err(|source| StartError::ControlSocket { path, source })?;
    Ok(ControlSocket::Listens(file, listener))
}

/// The listeners of the control thread, not bound to a reactor, with their pages.
fn interfaces(
    admin: Admin,
    (over_tcp, access): (Option<TcpListener>, Access),
    probes: Option<TcpListener>,
    socket: Option<ControlSocket>,
) -> io::Result<Interfaces> {
    let history = Some(admin.history.clone());
    let admin_pages = over_tcp.map(|tcp| (tcp, admin::router(admin.clone(), access)));
    let control = socket.map(|socket| (socket, admin::router(admin.clone(), Access::Full)));
    let probing = probes.map(|tcp| (tcp, probe_pages::router(admin)));
    let to_std = |(tcp, router): (TcpListener, Router)| Ok((StdListener::Tcp(tcp.into_std()?), router));
    let over_tcp = admin_pages.into_iter().chain(probing).map(to_std).collect::<io::Result<_>>()?;
    Ok(Interfaces { over_tcp, control, history })
}

/// Starts the thread that supervises the runners, and ends the one that serves the interfaces after that. The receiver resolves
/// when both have ended.
fn start_control_thread(
    parts: DriverParts,
    launcher: Box<dyn Launcher>,
    interfaces: Option<AdminThreadGuard>,
) -> Result<oneshot::Receiver<()>, StartError> {
    let runtime = own_runtime::with_blocking_threads().map_err(StartError::ControlThread)?;
    let launch_thread = match LaunchThread::start(launcher, runtime.handle().clone()) {
        Ok(launch_thread) => launch_thread,
        Err(error) => {
            // A runtime must not be dropped here, in an async context.
            runtime.shutdown_background();
            return Err(StartError::ControlThread(error));
        }
    };
    let (ended, control_ended) = oneshot::channel();
    let supervise = move |runtime: Runtime| {
        runtime.block_on(Driver::run(parts, launch_thread));
        drop(interfaces);
        // Dropping the sender resolves the receiver, after a panic too.
        drop(ended);
    };
    own_runtime::drive(thread::Builder::new().name("fal-host".to_owned()), runtime, supervise)
        .map_err(StartError::ControlThread)?;
    Ok(control_ended)
}

/// The longest time that connections without a request stay open when the host stops (S66c).
const MAX_LINGER: Duration = Duration::from_secs(1);

/// How long a killed host waits for its own last responses, which are short, to be written.
const LAST_RESPONSES: Duration = Duration::from_millis(100);

/// Waits for the end of the control thread, and then for the last response. A slow client gets as long as a request in
/// flight, unless the host is killed.
async fn finish(
    control_ended: oneshot::Receiver<()>,
    client_policy: watch::Sender<ClientPolicy>,
    mut server: JoinHandle<()>,
    drain_timeout: Duration,
    stopped: watch::Sender<()>,
) {
    // An error means that the sender was dropped, which is how the thread says that it has ended.
    let _ = control_ended.await;
    ClientPolicy::drain(&client_policy);
    let mut policy_changes = client_policy.subscribe();
    let killed = async {
        // This function holds a sender, so the channel stays open.
        let _ = policy_changes.wait_for(|policy| *policy == ClientPolicy::Abort).await;
        tokio::time::sleep(LAST_RESPONSES).await;
    };
    tokio::select! {
        _ = &mut server => {}
        () = tokio::time::sleep(drain_timeout) => {}
        () = killed => {}
    }
    server.abort();
    drop(stopped);
}
