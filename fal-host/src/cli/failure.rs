//! Why a host could not run, with the option to change.

use std::io;

use crate::host::{ListenerKind, StartError};
use crate::launch::LaunchError;

/// What to do about an address that another process listens on.
const ADDRESS_IN_USE: &str = "another process listens there, often an earlier start of this program: the subcommand `runners` shows \
    a host that runs, and `ss -ltnp` every process that listens; stop it, or ";

/// An error that ended a host, with advice on how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// `--strict` and `--max-replacing` contradict each other.
    #[error(
        "`--strict` (FAL_STRICT) and `--max-replacing` (FAL_MAX_REPLACING) contradict each other: one removes the \
         limit on simultaneous replacements, the other sets it; remove one of the two"
    )]
    ConflictingLimits,
    /// Requests and the admin interface, or the probes, have the same address.
    #[error(
        "`--listen` and `{option}` are both {address}: use another address for one of them, or {}",
        if *option == "--admin" { "`--admin off` to disable the admin interface" } else { "leave `--probes` out" }
    )]
    SameAddress {
        /// The option of the other interface.
        option: &'static str,
        /// The address.
        address: std::net::SocketAddr,
    },
    /// The system refused to listen on an address.
    #[error(
        "cannot listen on {address} for {what}: {error}; {}{}",
        if error.kind() == io::ErrorKind::AddrInUse { ADDRESS_IN_USE } else { "" },
        match what {
            ListenerKind::Requests => "use another address with `--listen`; port 0 lets the system pick a port",
            ListenerKind::Admin => "use another address with `--admin`, or `--admin off` to disable it",
            ListenerKind::Probes => "use another address with `--probes`",
        }
    )]
    Listen {
        /// What the address was for.
        what: ListenerKind,
        /// The address.
        address: std::net::SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
    /// The Unix socket for operators cannot be made.
    #[error("cannot listen on the Unix socket {}: {error}; use another path with `--control-socket`, or `off`", path.display())]
    ControlSocket {
        /// Its path.
        path: std::path::PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The admin token cannot be used.
    #[error("invalid `--admin-token` (FAL_ADMIN_TOKEN): {0}")]
    AdminToken(String),
    /// No runner can be started.
    #[error("{}", .0.chain())]
    Launch(LaunchError),
    /// The certificate or its key cannot be used.
    #[cfg(feature = "tls")]
    #[error("{0}; check `--tls-certificate` and `--tls-key`")]
    Tls(crate::TlsError),
    /// The environment sets up spans that cannot be sent.
    #[cfg(feature = "otel")]
    #[error(transparent)]
    Traces(#[from] crate::traces::TracesError),
    /// The host did not start, for another reason.
    #[error(transparent)]
    Start(StartError),
    /// The system refused a thread, a signal handler or a write to standard output.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A running host could not be shown or controlled.
    #[error(transparent)]
    Operate(#[from] super::operate::OperateError),
    /// The file of `--pid-file` cannot be written.
    #[error("cannot write the file {} of `--pid-file` (FAL_PID_FILE): {error}", path.display())]
    PidFile {
        /// Its path.
        path: std::path::PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The host was started by an upgrade, and cannot take over.
    #[error("the upgrade has failed: {0}")]
    Takeover(String),
    /// The host stopped without being told to.
    #[error("the host stopped unexpectedly; its log has the reason")]
    UnexpectedExit,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Listen { listener: what, address, source } => {
                Self::Listen { what, address, error: source }
            }
            StartError::ControlSocket { path, source } => Self::ControlSocket { path, error: source },
            StartError::Launch(error) => Self::Launch(error),
            #[cfg(feature = "tls")]
            StartError::Tls(error) => Self::Tls(error),
            StartError::ControlThread(error) => Self::System(error),
            StartError::HealthCheck(_) => Self::Start(error),
        }
    }
}
