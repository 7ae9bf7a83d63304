//! Pausing: requests wait although permits are free (S87c).

use super::Balancer;

impl Balancer {
    /// Lets every request wait in the queue from now on, or ends that (S87c).
    pub(crate) fn set_paused(&self, paused: bool) {
        self.lock().permits.set_paused(paused);
        self.dispatch();
    }

    /// Whether requests wait because an operator has paused the host.
    pub(crate) fn is_paused(&self) -> bool {
        self.lock().permits.is_paused()
    }
}
