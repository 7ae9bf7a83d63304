//! Pausing: requests wait although permits are free (S87c).

use tokio::time::Instant;

use super::Balancer;

impl Balancer {
    /// Lets every request wait in the queue from now on, or ends that (S87c).
    pub(crate) fn set_paused(&self, paused: bool) {
        self.lock().permits.set_paused(paused.then(Instant::now));
        self.dispatch();
    }

    /// Whether requests wait because an operator has paused the host.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused_since().is_some()
    }

    /// Since when requests wait because an operator has paused the host.
    pub(crate) fn paused_since(&self) -> Option<Instant> {
        self.lock().permits.paused_since()
    }
}
