//! What a unit or a manifest has to know about the options of a host.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::failure::Failure;
use super::host_options::HostOptions;

impl HostOptions {
    /// Where the host takes requests.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where the host answers probes.
    pub fn probes(&self) -> Option<SocketAddr> {
        self.probes
    }

    /// Where the admin interface is.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.into()
    }

    /// The file with the admin token, for a unit of a service manager.
    ///
    /// # Errors
    ///
    /// When the option has the token itself: every user can read a unit.
    pub fn admin_token_file(&self) -> Result<Option<&Path>, Failure> {
        let Some(token) = &self.admin_token else { return Ok(None) };
        let file = token.strip_prefix('@').map(Path::new).ok_or_else(|| {
            let why = "every user can read it in a unit: write it into a file that only root may read, such as \
                       /etc/admin-token, and give `--admin-token @/etc/admin-token`";
            Failure::AdminToken(why.to_owned())
        });
        file.map(Some)
    }

    /// The group of the control socket, if it has one of its own.
    pub fn control_socket_group(&self) -> Option<u32> {
        self.control_socket.control_socket_group
    }

    /// Whether the host speaks TLS.
    pub fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_set();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// How long new connections are still served after the signal to stop ([S66a](fal_health::semantics#s66a)).
    pub fn lame_duck(&self) -> Duration {
        self.lame_duck
    }

    /// How long requests in flight may take during a planned stop ([S33d](fal_health::semantics#s33d)).
    pub fn drain_timeout(&self) -> Duration {
        self.drain_timeout
    }
}
