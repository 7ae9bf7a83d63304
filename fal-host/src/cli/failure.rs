use std::io;

use crate::host::{Listener, StartError};
use crate::launch::LaunchError;

/// Why a host was not run to its end, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The options contradict each other.
    #[error(
        "`--strict` (or FAL_STRICT) sets no bound to how many runners are replaced at a time, and `--max-replacing` \
         (or FAL_MAX_REPLACING) sets one: leave one of them away"
    )]
    Bounds,
    /// Requests and the admin interface are to have one address.
    #[error(
        "`--listen` and `--admin` are both {0}: give one of them another address, or write `--admin off` to have no \
         admin interface"
    )]
    SameAddress(std::net::SocketAddr),
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address} for {what}: {error}; {}",
        match what {
            Listener::Requests => {
                "give another address with `--listen`, whose port may be 0 to have one picked"
            }
            Listener::Admin => "give another address with `--admin`, or `--admin off` to have none",
        }
    )]
    Listen {
        /// What it was for.
        what: Listener,
        /// Which one.
        address: std::net::SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// Runners cannot be started at all.
    #[error("{}", .0.chain())]
    Launch(LaunchError),
    /// The host cannot be started for another reason.
    #[error(transparent)]
    Start(StartError),
    /// The system gives no threads, no signals, or no standard output.
    #[error(transparent)]
    System(#[from] io::Error),
    /// The host has ended by itself.
    #[error("the host has ended unasked; its log says why")]
    Unasked,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Listen { what, address, source } => Self::Listen { what, address, error: source },
            StartError::Launch(error) => Self::Launch(error),
            StartError::HealthCheck(_) | StartError::ControlThread(_) => Self::Start(error),
        }
    }
}
