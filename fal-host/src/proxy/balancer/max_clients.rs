//! How many clients may be connected, which follows the number of runners.

use std::sync::atomic::Ordering;

use super::Balancer;

impl Balancer {
    /// How many clients may be connected. Descriptors of runners are not for them.
    pub(crate) fn max_clients(&self) -> usize {
        self.max_clients.load(Ordering::Relaxed)
    }

    /// The number of runners has changed, and so has the number of clients that may be connected.
    pub(crate) fn set_max_clients(&self, clients: usize) {
        self.max_clients.store(clients, Ordering::Relaxed);
    }
}
