//! What an operator asks for with an upgrade, and how it ends (S90, S93).

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::oneshot;

/// A request for an upgrade.
#[derive(Debug, Default)]
pub(crate) struct UpgradeRequest {
    /// The new program. `None` is the one that is on disk now.
    pub(crate) program: Option<PathBuf>,
    /// How long the new host may take until it serves. `None` is the default.
    pub(crate) timeout: Option<Duration>,
    /// Gets the new host when it serves.
    pub(crate) outcome: Option<oneshot::Sender<Result<Upgraded, UpgradeError>>>,
}

/// The new host, which serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Upgraded {
    /// Its process.
    pub(crate) pid: u32,
    /// Whether it is paused, as the old host was.
    pub(crate) paused: bool,
}

/// Why an upgrade has not come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpgradeError {
    /// It was not begun. The host goes on as before.
    #[error("the upgrade is refused: {0}")]
    Refused(String),
    /// The new host has not begun to serve.
    #[error("the upgrade has failed, and the old host goes on: {0}")]
    Failed(String),
    /// The new host has ended when the old one had left the clients to it.
    #[error(
        "the upgrade has failed when the old host had stopped accepting connections; no host serves: {0}"
    )]
    Lost(String),
    /// The host stops.
    #[error("the host is stopping")]
    HostStopping,
}

impl UpgradeError {
    /// What the event says, which has the failure in its kind.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Refused(why) => format!("refused: {why}"),
            Self::Failed(why) => format!("the old host goes on: {why}"),
            Self::Lost(why) => format!("no host serves: {why}"),
            Self::HostStopping => self.to_string(),
        }
    }
}
