//! Why a host cannot be started.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::launch::LaunchError;
use crate::probe::InvalidProbeTarget;

/// Why a host cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is in use, or does not belong to this machine.
    #[error("cannot listen on {address} for {listener}")]
    Listen {
        /// The listener that needs the address.
        listener: ListenerKind,
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The Unix socket for operators cannot be made.
    #[error("cannot listen on the Unix socket {}", path.display())]
    ControlSocket {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The method or the path of the health check is invalid.
    #[error(transparent)]
    HealthCheck(#[from] InvalidHealthCheck),
    /// The launcher cannot be set up, so no runner can start.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The certificate or its key cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The system refused the thread or the runtime that supervises the runners.
    #[error("cannot start the control thread")]
    ControlThread(#[source] io::Error),
}

/// What a host listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenerKind {
    /// Requests, which the host forwards to its runners.
    Requests,
    /// Requests of the admin interface.
    Admin,
    /// Probes of an orchestrator or a load balancer.
    Probes,
}

impl fmt::Display for ListenerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Admin => "the admin interface",
            Self::Probes => "probes",
        })
    }
}

/// A health check whose method or path is invalid.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvalidHealthCheck(InvalidProbeTarget);

impl From<InvalidProbeTarget> for StartError {
    fn from(invalid: InvalidProbeTarget) -> Self {
        Self::HealthCheck(InvalidHealthCheck(invalid))
    }
}
