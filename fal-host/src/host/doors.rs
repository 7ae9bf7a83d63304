//! The doors of a host: its listening sockets, which another host may take over (S91, S92).

use std::sync::Weak;

use tokio::sync::watch;

use super::listeners::SharedSockets;
use crate::client_policy::ClientPolicy;

/// The doors of a host: its listening sockets, and what becomes of its clients.
#[derive(Clone, Debug)]
pub(super) struct Doors {
    pub(super) client_policy: watch::Sender<ClientPolicy>,
    /// Gone when the host has closed its listener.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only a program can be upgraded"))]
    pub(super) sockets: Weak<SharedSockets>,
    /// Its sender is dropped when the admin interface, the probes and the Unix socket are there.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only a program can be upgraded"))]
    pub(super) interfaces_open: watch::Receiver<()>,
    /// Its sender is dropped when the admin interface, the probes and the Unix socket are closed.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only a program can be upgraded"))]
    pub(super) interfaces_closed: watch::Receiver<()>,
    /// Its sender is dropped when the last client has left.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only a program can be upgraded"))]
    pub(super) clients_left: watch::Receiver<()>,
}
