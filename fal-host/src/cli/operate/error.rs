//! Why a subcommand could not show or control a host.

use std::io;
use std::path::PathBuf;

/// Why a subcommand could not show or control a host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperateError {
    /// No host of this user runs here.
    #[error(
        "no host of this user is running: start one, run this as the user of the host or as root, or name its socket \
         with `--socket`"
    )]
    NoHost,
    /// The hosts that run are those of other programs.
    #[error(
        "no host of this program is running, only hosts of another app; to control one of them, name it: {0}"
    )]
    OtherApps(String),
    /// There are several.
    #[error("several hosts are running, choose one: {0}")]
    SeveralHosts(String),
    /// The host cannot be reached.
    #[error("cannot connect to the host at {}: {error}", path.display())]
    Unreachable {
        /// Its socket.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// A process of another user listens on the socket.
    #[error("user {user} listens on {}, and not the user of the host", path.display())]
    AnotherUser {
        /// The socket.
        path: PathBuf,
        /// The user.
        user: u32,
    },
    /// The connection to the host broke off.
    #[error("the host has ended the connection: {0}")]
    Disconnected(String),
    /// The host refuses it.
    #[error("{0}")]
    Refused(String),
    /// The system refused something else, such as to write to standard output.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl From<hyper::Error> for OperateError {
    fn from(error: hyper::Error) -> Self {
        Self::Disconnected(error.to_string())
    }
}
