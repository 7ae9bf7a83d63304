//! How a host takes over from another one, and retires when the next one takes over (S91, S92).

use std::sync::Arc;

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
    /// queue, too: a pause ends, because `resume` reaches the new host. Returns when the admin interface, the probes and the Unix socket are closed.
    pub(crate) async fn retire(&self) {
        ClientPolicy::raise(&self.doors.client_policy, ClientPolicy::Retire);
        self.balancer.close_connections();
        dropped(self.doors.interfaces_closed.clone()).await;
        // Not earlier: until now, its Unix socket could pause it again.
        self.set_paused(false);
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
