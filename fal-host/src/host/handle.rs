//! The handle of a running host.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use fal_health::metrics::MetricFamily;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::doors::Doors;
use super::listeners::Addresses;
use crate::client_policy::ClientPolicy;
use crate::details::RunnerDetails;
use crate::driver::ControlRequest;
use crate::event_log::EventLog;
use crate::events::{Event, EventStream};
use crate::fleet::{GaveUp, OrderError, RestartError, RunnerOrder, Scale};
use crate::id::RunnerId;
use crate::proxy::Balancer;
use crate::snapshot::Snapshot;

/// A running host. Dropping it kills the runners; [`shutdown`](Self::shutdown) lets them finish their requests first.
#[derive(Debug)]
pub struct HostHandle {
    pub(super) addresses: Addresses,
    pub(super) requests: mpsc::UnboundedSender<ControlRequest>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) balancer: Arc<Balancer>,
    pub(super) doors: Doors,
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the command line delivers from it"))]
    pub(super) event_log: Arc<EventLog>,
    pub(super) gave_up: Arc<OnceLock<GaveUp>>,
    pub(super) stopped: watch::Receiver<()>,
}

impl HostHandle {
    /// The address on which the host takes requests, with the actual port where the system chose one.
    pub fn address(&self) -> SocketAddr {
        self.addresses.requests
    }

    /// The scheme of the host's URL.
    #[cfg(feature = "cli")]
    pub(crate) fn scheme(&self) -> &'static str {
        if self.balancer.limits().tls.is_some() { "https" } else { "http" }
    }

    /// The last events, numbered.
    #[cfg(feature = "cli")]
    pub(crate) fn event_log(&self) -> Arc<EventLog> {
        Arc::clone(&self.event_log)
    }

    /// How many requests runners work on.
    #[cfg(feature = "cli")]
    pub(crate) fn in_flight(&self) -> usize {
        self.balancer.all_in_flight()
    }

    /// The address of the admin interface, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.addresses.admin
    }

    /// The address of the probes, if there is one.
    pub fn probes_address(&self) -> Option<SocketAddr> {
        self.addresses.probes
    }

    /// The state of the runners, and the records of the last ones that ended. `None` once the host has ended.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(ControlRequest::Snapshot(reply)).ok()?;
        let shown = answer.await.ok()?.into_snapshot().with_requests(&self.balancer);
        Some(shown.with_notes(SystemTime::now()))
    }

    /// The metrics of the host and of its runners, as the admin interface shows them on `/metrics`
    /// ([S82](fal_health::semantics#s82)). `None` once the host has ended.
    pub async fn metrics(&self) -> Option<Vec<MetricFamily>> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(ControlRequest::Metrics(reply)).ok()?;
        Some(answer.await.ok()?.families(&self.balancer))
    }

    /// Everything that is known of a runner ([S85](fal_health::semantics#s85)). `None` if the host has forgotten it, or has
    /// ended.
    pub async fn runner(&self, id: RunnerId) -> Option<RunnerDetails> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(ControlRequest::Details(id, reply)).ok()?;
        answer.await.ok()?
    }

    /// The events from now on.
    pub fn events(&self) -> EventStream {
        EventStream::new(&self.events)
    }

    /// Starts a rolling restart: replaces every runner, one after another. Returns at once. Requests in flight may
    /// take as long as the drain timeout and the grace period together ([S33d](fal_health::semantics#s33d)).
    ///
    /// The host drains a runner when its successor has been healthy for [`min_healthy`](crate::HostBuilder::min_healthy). A
    /// successor that fails ends the restart, and the remaining runners stay ([S52](fal_health::semantics#s52)).
    pub fn restart(&self) {
        let _ = self.requests.send(ControlRequest::Restart { id: None, waiter: None });
    }

    /// The same as [`restart`](Self::restart), and waits for the end of the rolling restart. If another restart is requested
    /// meanwhile, waits for the end of that one. Dropping the future does not stop the restart.
    ///
    /// # Errors
    ///
    /// When a successor failed, or the host stopped.
    pub async fn restart_and_wait(&self) -> Result<(), RestartError> {
        let (waiter, outcome) = oneshot::channel();
        let _ = self.requests.send(ControlRequest::Restart { id: None, waiter: Some(waiter) });
        // Without an outcome the host has ended.
        outcome.await.unwrap_or(Err(RestartError::HostStopped))
    }

    /// Changes how many runners the host keeps ([S76](fal_health::semantics#s76)). Returns at once. The number of spares stays.
    ///
    /// The host starts further runners with new indexes. Or it drains runners, those first that are not healthy, then those
    /// with the highest indexes. They end with the reason [`ScaledDown`](crate::Reason::ScaledDown).
    pub fn scale(&self, runners: NonZeroUsize) {
        self.request_scale(Scale::To(runners));
    }

    pub(crate) fn request_scale(&self, scale: Scale) {
        let _ = self.requests.send(ControlRequest::Scale(scale, None));
    }

    /// Carries out what an operator orders for a runner ([S87a](fal_health::semantics#s87a)). Returns when the host has
    /// accepted it.
    ///
    /// # Errors
    ///
    /// When the order can have no effect.
    pub async fn order(&self, runner: RunnerId, order: RunnerOrder) -> Result<(), OrderError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(ControlRequest::Order(runner, order, reply));
        answer.await.unwrap_or(Err(OrderError::HostStopping))
    }

    /// Lets every request wait in the queue, or ends that ([S87c](fal_health::semantics#s87c)). Returns at once;
    /// what this handle is asked later, such as [`snapshot`](Self::snapshot), finds it done.
    pub fn set_paused(&self, paused: bool) {
        let _ = self.requests.send(ControlRequest::Pause(paused, None));
    }

    /// Loads the certificate and its key again ([`HostBuilder::tls`](crate::HostBuilder::tls)), for connections from now
    /// on ([S50b](fal_health::semantics#s50b)). Returns whether the host has a certificate. Blocks while it reads the files.
    ///
    /// # Errors
    ///
    /// When the files cannot be used. The host then keeps the certificate that it has.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<bool, crate::TlsError> {
        let tls = &self.balancer.limits().tls;
        tls.as_ref().map(|tls| tls.reload()).transpose().map(|reloaded| reloaded.is_some())
    }

    /// Announces the end of the host ([S66a](fal_health::semantics#s66a)). Returns at once.
    ///
    /// `/readyz` answers 503 from now on, so that load balancers send no new clients. The host still accepts them, and serves
    /// requests as before, but each response closes its connection. Call [`shutdown`](Self::shutdown) when load balancers
    /// have had time to notice.
    pub fn begin_lame_duck(&self) {
        self.balancer.close_connections();
    }

    /// Starts a graceful shutdown, as at SIGTERM ([S41](fal_health::semantics#s41)). Returns at once;
    /// [`stopped`](Self::stopped) waits for the end.
    ///
    /// The host accepts no new connections and starts no runners. It refuses the requests in its queue and lets those in
    /// flight finish. A connection that a client has already may still bring a request for up to a second
    /// ([S66c](fal_health::semantics#s66c)).
    pub fn shutdown(&self) {
        self.balancer.stop();
        if *self.doors.client_policy.borrow() == ClientPolicy::Retire {
            // New clients have another host already.
            self.balancer.end_linger();
        }
        ClientPolicy::drain(&self.doors.client_policy);
        // An error means that the host has ended already.
        let _ = self.requests.send(ControlRequest::Stop);
    }

    /// Kills every runner with all the processes that it started, as at a second signal, and waits for no
    /// client ([S41](fal_health::semantics#s41)). Returns at once.
    pub fn kill(&self) {
        self.balancer.stop();
        self.doors.client_policy.send_replace(ClientPolicy::Abort);
        let _ = self.requests.send(ControlRequest::Kill);
    }

    /// Why the host stopped by itself, if its runners did not start ([S48](fal_health::semantics#s48)).
    pub fn gave_up(&self) -> Option<&GaveUp> {
        self.gave_up.get()
    }

    /// Waits until every runner has ended and the last response has been sent. Cancel safe, and may be called again.
    pub async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // Nothing is ever sent: the sender is dropped when the host has ended.
        while stopped.changed().await.is_ok() {}
    }
}
