//! How the host treats its client connections.

use tokio::sync::watch;

/// How the host treats its client connections. Later variants override earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ClientPolicy {
    /// Accept no connection yet: another host does, on the same sockets (S91a).
    Hold,
    /// Accept connections and serve them.
    Serve,
    /// Close each connection after its current request.
    Drain,
    /// The same, because another host accepts connections on the same sockets from now on (S92b).
    Retire,
    /// Wait for no connection.
    Abort,
}

impl ClientPolicy {
    /// Lets the host drain its client connections, unless it does already, or waits for none.
    pub(crate) fn drain(policy: &watch::Sender<Self>) {
        Self::raise(policy, Self::Drain);
    }

    /// Changes the policy, unless a later variant applies already.
    pub(crate) fn raise(policy: &watch::Sender<Self>, to: Self) {
        policy.send_modify(|policy| *policy = (*policy).max(to));
    }
}
