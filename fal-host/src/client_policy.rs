//! How the host treats its client connections.

use tokio::sync::watch;

/// How the host treats its client connections. Later variants override earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ClientPolicy {
    /// Accept connections and serve them.
    Serve,
    /// Close each connection after its current request.
    Drain,
    /// Wait for no connection.
    Abort,
}

impl ClientPolicy {
    /// Lets the host drain its client connections, unless it waits for none already.
    pub(crate) fn drain(policy: &watch::Sender<Self>) {
        policy.send_modify(|policy| *policy = (*policy).max(Self::Drain));
    }
}
