//! The settings of a host that only the programs of this crate use.

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::builder::HostBuilder;
use crate::upgrade::UpgradeRequest;

impl HostBuilder {
    /// Lets another host serve until the doors are opened: only the runners start (S91a).
    pub(crate) fn hold(mut self) -> Self {
        self.held = true;
        self
    }

    /// Serves clients on these runtimes, too, each driven by one thread.
    pub(crate) fn serve_on(mut self, runtimes: &[Handle]) -> Self {
        self.serving = runtimes.to_vec();
        self
    }

    /// Where to send the upgrades that operators ask for.
    pub(crate) fn upgrades(mut self, upgrades: mpsc::UnboundedSender<UpgradeRequest>) -> Self {
        self.upgrades = Some(upgrades);
        self
    }
}
