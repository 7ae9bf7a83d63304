//! The settings of the Unix socket over which operators control a host.

use std::path::PathBuf;

use super::builder::HostBuilder;
use crate::control_socket::SocketAccess;

impl HostBuilder {
    /// The path of a Unix socket with the admin interface, over which this user may also change the host
    /// ([S88a](fal_health::semantics#s88a)). Default: `None`, no socket.
    pub fn control_socket(mut self, path: impl Into<Option<PathBuf>>) -> Self {
        self.control_socket = path.into();
        self
    }

    /// Who may connect to the [`control_socket`](Self::control_socket), and so control the host. Default: the user of the host,
    /// and root.
    pub fn control_socket_access(mut self, access: SocketAccess) -> Self {
        self.control_socket_access = access;
        self
    }
}
