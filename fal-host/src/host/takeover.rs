//! How a host takes over from another one, and retires when the next one takes over (S91, S92).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::handle::HostHandle;
use super::listeners::SharedSockets;
use crate::client_policy::ClientPolicy;
use crate::driver::ControlRequest;
use crate::fleet::EventKind;

impl HostHandle {
    /// The sockets that the host listens on. `None` once it has closed them.
    pub(crate) fn shared_sockets(&self) -> Option<Arc<SharedSockets>> {
        self.doors.sockets.upgrade()
    }

    /// Serves clients from now on, if the host was held until now. Returns when the admin interface, the probes and the Unix
    /// socket are there.
    pub(crate) async fn open_doors(&self) {
        ClientPolicy::raise(&self.doors.client_policy, ClientPolicy::Serve);
        dropped(self.doors.interfaces_open.clone()).await;
    }

    /// Leaves new clients to another host, which has the same sockets (S92b). Requests that have arrived are served, in the
    /// queue, too. Returns when the admin interface, the probes and the Unix socket are closed.
    pub(crate) async fn retire(&self) {
        ClientPolicy::raise(&self.doors.client_policy, ClientPolicy::Retire);
        self.balancer.close_connections();
        dropped(self.doors.interfaces_closed.clone()).await;
    }

    /// For how long the host has been paused, after everything that it was asked before.
    pub(crate) async fn paused_for(&self) -> Option<Duration> {
        // What it was asked before is done when it answers.
        self.snapshot().await?;
        self.balancer.paused_since().map(|since| since.elapsed())
    }

    /// Pauses the host, as another one has been for this time.
    pub(crate) fn pause_after(&self, paused_for: Duration) {
        self.balancer.pause_after(paused_for);
        self.publish(EventKind::Paused { before: paused_for });
    }

    /// Waits until the host is not paused.
    pub(crate) fn resumed(&self) -> impl Future<Output = ()> + Send + use<> {
        let balancer = Arc::clone(&self.balancer);
        async move { balancer.resumed().await }
    }

    /// Ends the pause of a host that has left its clients to another one, when that one is resumed (S92b).
    pub(crate) fn resume_when(&self, resumed: impl Future<Output = bool> + Send + 'static) {
        let balancer = Arc::clone(&self.balancer);
        tokio::spawn(async move {
            if resumed.await {
                balancer.set_paused(false);
            }
        });
    }

    /// Whether another host serves new clients.
    pub(crate) fn is_retired(&self) -> bool {
        *self.doors.client_policy.borrow() == ClientPolicy::Retire
    }

    /// Waits until the last client has left. Cancel safe.
    pub(crate) async fn clients_left(&self) {
        dropped(self.doors.clients_left.clone()).await;
    }

    /// Publishes an event of the host itself.
    pub(crate) fn publish(&self, event: EventKind) {
        // An error means that the host has ended.
        let _ = self.requests.send(ControlRequest::Publish(event));
    }
}

/// Waits until the sender is dropped. It never sends anything.
async fn dropped(mut receiver: watch::Receiver<()>) {
    while receiver.changed().await.is_ok() {}
}
